"""The turns of one tenant: how many, for whom first, and silence after a 429."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from curfew.entra.pace import GIVING_TURNS, TURNS, Pace, Purpose
from curfew.errors import Busy
from curfew.model.messages import Failure

GIVING, ENDING = Purpose.GIVING, Purpose.ENDING


class Hands:
    """A clock and a die that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
        self.die = 2.5

    def clock(self) -> datetime:
        return self.moment

    def chance(self, low: float, high: float) -> float:
        assert (low, high) == (1.0, 5.0)
        return self.die

    def pass_time(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def pace(hands: Hands) -> Pace:
    return Pace(hands.clock, hands.chance)


def free(pace: Pace, purpose: Purpose) -> int:
    """How many more turns of a kind there are."""
    with ExitStack() as held:
        for taken in range(2 * TURNS):
            try:
                held.enter_context(pace.turn("step", purpose))
            except Busy:
                return taken
    raise AssertionError


def refusal(pace: Pace, purpose: Purpose = ENDING) -> float | None:
    """When to come back, by the refusal of a turn; None when there is one."""
    try:
        with pace.turn("step", purpose):
            return None
    except Busy as busy:
        return busy.retry_after


def test_endings_have_every_turn_and_giving_has_some(pace: Pace) -> None:
    assert free(pace, ENDING) == TURNS == 8
    assert free(pace, GIVING) == GIVING_TURNS == 5


def test_giving_leaves_turns_for_endings(pace: Pace) -> None:
    with ExitStack() as held:
        for _ in range(GIVING_TURNS):
            held.enter_context(pace.turn("give", GIVING))
        assert free(pace, GIVING) == 0
        assert free(pace, ENDING) == TURNS - GIVING_TURNS


def test_endings_may_leave_none_for_giving(pace: Pace) -> None:
    with ExitStack() as held:
        for _ in range(TURNS - 1):
            held.enter_context(pace.turn("end", ENDING))
        assert free(pace, GIVING) == 1
        held.enter_context(pace.turn("end", ENDING))
        assert free(pace, GIVING) == 0


def test_a_turn_comes_back_however_its_step_ends(pace: Pace) -> None:
    for _ in range(TURNS):
        with pytest.raises(ZeroDivisionError), pace.turn("step", ENDING):
            raise ZeroDivisionError
    assert free(pace, ENDING) == TURNS


def test_who_gets_no_turn_comes_back_after_a_while_of_its_own(pace: Pace, hands: Hands) -> None:
    with ExitStack() as held:
        for _ in range(TURNS):
            held.enter_context(pace.turn("end", ENDING))
        assert refusal(pace) == 2.5
        hands.die = 4.0
        assert refusal(pace) == 4.0


def test_a_refusal_is_worth_another_try_and_wrote_nothing(pace: Pace) -> None:
    pace.hush(15)
    with pytest.raises(Busy) as busy, pace.turn("disable_account", ENDING):
        pass
    failure = Failure.of(busy.value)
    assert (failure.code, failure.retryable, failure.unsure) == ("busy", True, False)
    assert failure.retry_after == 17.5
    assert failure.detail == "The directory is left in peace for a moment (disable_account)."


def test_nobody_has_a_turn_when_a_silence_begins(pace: Pace, hands: Hands) -> None:
    pace.hush(15)
    assert (free(pace, ENDING), free(pace, GIVING)) == (0, 0)
    assert pace.rest(ENDING) == pace.rest(GIVING) == 15 + 2.5
    hands.pass_time(14)
    assert refusal(pace, ENDING) == refusal(pace, GIVING) == 1 + 2.5
    hands.pass_time(1)
    assert free(pace, ENDING) == TURNS
    assert pace.rest(ENDING) == 0.0


def test_an_ending_may_try_after_twenty_seconds_and_giving_after_all_of_a_silence(
    pace: Pace, hands: Hands
) -> None:
    pace.hush(300)
    hands.pass_time(19)
    assert refusal(pace, ENDING) == 1 + 2.5
    hands.pass_time(1)
    assert refusal(pace, ENDING) is None
    assert refusal(pace, GIVING) == 280 + 2.5
    hands.pass_time(280)
    assert refusal(pace, GIVING) is None


def test_an_ending_that_is_told_itself_begins_the_silence_anew(pace: Pace, hands: Hands) -> None:
    pace.hush(300)
    hands.pass_time(20)
    pace.hush(300)
    assert refusal(pace, ENDING) == 20 + 2.5
    assert refusal(pace, GIVING) == 300 + 2.5


@pytest.mark.parametrize("seconds", [None, 0, 1, 5])
def test_a_few_seconds_are_left_to_who_was_told(pace: Pace, seconds: float | None) -> None:
    pace.hush(seconds)
    assert refusal(pace) is None


def test_no_silence_is_longer_than_five_minutes(pace: Pace, hands: Hands) -> None:
    pace.hush(86_400)
    hands.pass_time(299)
    assert refusal(pace, GIVING) == 1 + 2.5
    hands.pass_time(1)
    assert refusal(pace, GIVING) is None


def test_a_shorter_wish_does_not_cut_a_longer_one_short(pace: Pace, hands: Hands) -> None:
    pace.hush(100)
    pace.hush(20)
    hands.pass_time(50)
    assert refusal(pace, GIVING) == 50 + 2.5
    pace.hush(60)
    assert refusal(pace, GIVING) == 60 + 2.5


def test_a_clock_that_is_set_back_ends_the_silence(pace: Pace, hands: Hands) -> None:
    pace.hush(100)
    hands.pass_time(-3600)
    assert refusal(pace) is None


def test_tenants_do_not_wait_for_each_other(pace: Pace, hands: Hands) -> None:
    other = Pace(hands.clock, hands.chance)
    pace.hush(200)
    assert free(pace, ENDING) == 0
    assert free(other, ENDING) == TURNS
