"""The states of consent addresses, and their key in the vault: who may sign, and for how long."""

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import timedelta

import pytest

from curfew.errors import LapsedState, Unavailable, UntrustedState
from curfew.ids import new_invitation_id
from curfew.model.approvals import Person
from curfew.model.onboarding import Invitation
from curfew.model.tenants import STATE_KEY
from curfew.onboarding.state import Claims, States
from simulator.vault import Secret
from tests.adapters.tenancy import NOBODY, Tenancy


@pytest.fixture(autouse=True)
def no_key(at: Tenancy) -> Iterator[None]:
    """A deployment that has never signed anything."""
    at.shared.cloud.vault.secrets.pop(STATE_KEY, None)
    yield
    at.shared.cloud.vault.secrets.pop(STATE_KEY, None)


def process(at: Tenancy) -> States:
    """What one process of the app knows: nothing but the vault."""
    return States(at.shared.services.vault.keys, at.clock)


def run[T](at: Tenancy, work: Awaitable[T]) -> T:
    async def wait() -> T:
        return await work

    return at.shared.loop.run_until_complete(wait())


def question(at: Tenancy) -> Invitation:
    return Invitation(
        id=new_invitation_id(at.tenant.id),
        tenant=at.tenant.id,
        display_name="Contoso",
        asked_by=Person(id=NOBODY, name="Ada"),
        asked_at=at.clock(),
        expires_at=at.clock() + timedelta(hours=1),
    )


def kept(at: Tenancy) -> Secret:
    return at.shared.cloud.vault.secrets[STATE_KEY]


def looks(at: Tenancy) -> int:
    return sum(call.service == "vault" for call in at.shared.cloud.calls)


def test_what_one_process_signs_another_one_can_check(at: Tenancy) -> None:
    asked = question(at)
    state = run(at, process(at).sign(asked))
    assert run(at, process(at).read(state)) == Claims(asked.id, asked.tenant)
    assert len(kept(at).latest.value) >= 43


def test_the_key_is_made_once_and_looked_up_once(at: Tenancy) -> None:
    states = process(at)
    for _ in range(3):
        run(at, states.read(run(at, states.sign(question(at)))))
    run(at, process(at).sign(question(at)))
    assert len(kept(at).versions) == 1


def test_of_two_keys_made_at_once_both_serve(at: Tenancy) -> None:
    async def both() -> list[str]:
        return await asyncio.gather(*(process(at).sign(question(at)) for _ in range(4)))

    states = run(at, both())
    assert kept(at).versions
    for state in states:
        run(at, process(at).read(state))


def test_a_key_can_be_replaced_while_addresses_are_under_way(at: Tenancy) -> None:
    before = run(at, process(at).sign(question(at)))
    run(at, at.shared.services.vault._client.set_secret(STATE_KEY, "n" * 43))
    signer = process(at)
    after = run(at, signer.sign(question(at)))
    assert len(kept(at).versions) == 2
    for state in (before, after):
        run(at, process(at).read(state))
        run(at, signer.read(state))


def test_a_key_that_is_disabled_proves_nothing_any_more(at: Tenancy) -> None:
    states = process(at)
    state = run(at, states.sign(question(at)))
    run(at, at.shared.services.vault.retire(STATE_KEY))
    with pytest.raises(UntrustedState):
        run(at, process(at).read(state))
    at.clock.advance(timedelta(minutes=10))
    with pytest.raises(UntrustedState):
        run(at, states.read(state))


def test_checking_never_makes_a_key(at: Tenancy) -> None:
    state = run(at, process(at).sign(question(at)))
    del at.shared.cloud.vault.secrets[STATE_KEY]
    with pytest.raises(UntrustedState):
        run(at, process(at).read(state))
    assert STATE_KEY not in at.shared.cloud.vault.secrets


def test_a_state_lapses_with_its_hour(at: Tenancy) -> None:
    states = process(at)
    state = run(at, states.sign(question(at)))
    at.clock.advance(timedelta(minutes=59, seconds=58))
    run(at, states.read(state))
    at.clock.advance(timedelta(seconds=3))
    with pytest.raises(LapsedState):
        run(at, states.read(state))


def test_unknown_keys_have_the_vault_looked_at_once_a_minute(at: Tenancy) -> None:
    ours = process(at)
    run(at, ours.sign(question(at)))
    del at.shared.cloud.vault.secrets[STATE_KEY]
    theirs = run(at, process(at).sign(question(at)))
    at.clock.advance(timedelta(minutes=1))
    before = looks(at)
    for _ in range(5):
        run(at, ours.read(theirs))
    per_look = looks(at) - before
    del at.shared.cloud.vault.secrets[STATE_KEY]
    others = [run(at, process(at).sign(question(at)))]
    before = looks(at)
    for state in others * 20:
        with pytest.raises(UntrustedState):
            run(at, ours.read(state))
    assert looks(at) == before
    at.clock.advance(timedelta(minutes=1))
    run(at, ours.read(others[0]))
    assert looks(at) == before + per_look


def test_a_vault_that_is_down_is_unknown_and_not_a_forgery(at: Tenancy) -> None:
    state = run(at, process(at).sign(question(at)))
    states = process(at)
    outage = at.faults.outage("vault")
    with pytest.raises(Unavailable):
        run(at, states.read(state))
    at.faults.remove(outage)
    at.advance(seconds=5)
    run(at, states.read(state))


def test_a_vault_that_is_down_is_not_asked_once_for_every_forgery(at: Tenancy) -> None:
    """Anybody can send answers: a flood of them is none of the vault's."""
    forged = run(at, process(at).sign(question(at)))[:-4] + "AAAA"
    states = process(at)
    outage = at.faults.outage("vault")
    before = looks(at)

    async def flood() -> list[object]:
        return await asyncio.gather(
            *(states.read(forged) for _ in range(30)), return_exceptions=True
        )

    answers = run(at, flood())
    assert all(isinstance(each, Unavailable) for each in answers)
    assert looks(at) == before + 1
    at.faults.remove(outage)
    at.advance(seconds=5)
    with pytest.raises(UntrustedState):
        run(at, states.read(forged))
