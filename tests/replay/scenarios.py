"""What is recorded: grants of every kind, and each way in which one can go.

A scenario leaves the grant where it goes on by itself; the recorder runs it to its end. What is
random in the weather stays out: the same code must record the same order of actions again.
"""

from collections.abc import Callable
from datetime import timedelta

from tests.chaos.administration import Withdraw
from tests.chaos.hazards import Fail, Kill, Outage, Purge
from tests.chaos.stage import Stage
from tests.chaos.steps import Ask, Decide, End, Extend, Pass, Renew, Step, Work

type Scenario = Callable[[Stage], None]


def _then(*steps: Step) -> Scenario:
    def play(stage: Stage) -> None:
        for step in steps:
            step.apply(stage)

    return play


def _until(activity: str) -> Scenario:
    """Up to the moment at which a step has run."""

    def play(stage: Stage) -> None:
        engine = stage.engine
        engine.run(until=stage.clock(), stop=lambda: engine.ran[-1:] == [activity])
        assert engine.ran[-1:] == [activity], engine.ran

    return play


def _both(*parts: Scenario) -> Scenario:
    def play(stage: Stage) -> None:
        for part in parts:
            part(stage)

    return play


def _woken(stage: Stage) -> None:
    """A second grant of the same account."""
    _then(Ask(minutes=5), Pass(20), Ask(minutes=30), Pass(1))(stage)


def _gone(stage: Stage) -> None:
    """The account was deleted by hand, and purged from the bin, while it was in use."""
    _then(Ask(), Pass(1))(stage)
    customer = stage.customers[0]
    user = customer.user(f"msp-ann@{customer.domain}")
    del customer.users[user.id]


def _at_the_expiry(stage: Stage) -> None:
    """A wish to extend in the instant of the expiry."""
    _then(Ask(profile="pass", minutes=30), Pass(1))(stage)
    expires = stage.lease(stage.grants[0]).expires_at
    assert expires is not None
    stage.pass_time(expires - stage.clock() - timedelta(seconds=1))
    Extend(minutes=30).apply(stage)
    stage.clock.advance(timedelta(seconds=1))
    stage.engine.fire_due_timers()


def _swept(stage: Stage) -> None:
    """The sweep ends the grant before its workflow comes to it."""
    _then(Ask(minutes=5), Pass(1))(stage)
    stage.clock.advance(timedelta(minutes=10))
    stage.sweep()


SCENARIOS: dict[str, Scenario] = {
    "created": _then(Ask(), Pass(1)),
    "woken": _woken,
    "with-a-pass-only": _then(Ask(profile="pass"), Pass(1)),
    "ended-while-active": _then(Ask(), Pass(1), End()),
    "ended-at-once": _then(Ask(), Work(1), End()),
    "ended-while-opening": _both(_then(Ask()), _until("open_account"), _then(End())),
    "ended-while-enabling": _both(_then(Ask()), _until("enable_account"), _then(End())),
    "ended-between-tries": _then(Fail("enable or disable", times=3), Ask(), Pass(0), End()),
    "refused-by-the-directory": _then(Fail("assign role", "403", times=9), Ask(), Pass(1)),
    "answers-lost": _then(
        Fail("create account", "503 after it was applied", times=1),
        Fail("enable or disable", "503 after it was applied", times=1),
        Ask(),
        Pass(2),
    ),
    "creation-unsure": _then(Fail("create account", "cut", times=99), Ask(), Pass(1), End()),
    "worker-lost": _then(
        Kill("after", "open_account", "failed"),
        Kill("before", "enable_account", "again"),
        Kill("after", "disable_account", "failed"),
        Ask(minutes=5),
        Pass(10),
    ),
    "stuck-for-rounds": _then(Ask(minutes=5), Pass(4), Outage("graph", 8), Pass(20)),
    "account-gone": _gone,
    "approved": _then(Ask(profile="one"), Pass(1), Decide(), Pass(1)),
    "approved-by-two": _then(
        Ask(profile="two"), Pass(1), Decide(), Decide(who="paul"), Pass(1), End()
    ),
    "denied": _then(
        Ask(profile="two"), Pass(1), Decide(), Pass(1), Decide(who="paul", verb="deny")
    ),
    "approval-expired": _then(Ask(profile="one"), Pass(1)),
    "withdrawn": _then(Ask(profile="one"), Pass(1), End()),
    "scheduled": _then(Ask(starts_in=30), Pass(31)),
    "scheduled-and-ended": _then(Ask(starts_in=30), Pass(10), End()),
    "scheduled-and-refused": _then(Ask(starts_in=30), Withdraw(), Pass(31)),
    "extended": _then(Ask(profile="pass"), Pass(30), Extend(minutes=60), Pass(1)),
    "extended-with-consent": _then(
        Ask(profile="two"),
        Decide(),
        Decide(who="paul"),
        Pass(10),
        Extend(minutes=30),
        Pass(1),
        Decide(),
        Decide(who="paul"),
        Pass(1),
    ),
    "extension-denied": _then(
        Ask(profile="two"),
        Decide(),
        Decide(who="paul"),
        Pass(10),
        Extend(minutes=30),
        Pass(1),
        Decide(verb="deny"),
        Pass(1),
    ),
    "extension-lapsed": _then(
        Ask(profile="two", minutes=180),
        Decide(),
        Decide(who="paul"),
        Pass(10),
        Extend(minutes=30),
        Pass(70),
    ),
    "renewed": _then(Ask(), Pass(10), Renew(), Pass(10), Renew(), Pass(1), End()),
    "extended-at-the-expiry": _at_the_expiry,
    "by-pim": _then(Ask(profile="pim", tenant=1), Pass(1)),
    "by-pim-without-a-licence": _then(Ask(profile="pim", tenant=0), Pass(1)),
    "by-pim-and-ended-early": _then(Ask(profile="pim", tenant=1), Pass(1), End()),
    "by-pim-and-extended": _then(
        Ask(profile="pim", tenant=1), Pass(10), Extend(minutes=30), Pass(1)
    ),
    "account-deleted": _then(Ask(profile="delete"), Pass(1), End()),
    "workflow-lost": _then(Ask(), Pass(1), Purge(), End()),
    "swept-first": _swept,
    "roles-lent": _then(Ask(profile="roles"), Pass(1)),
    "roles-ended-early": _then(Ask(profile="roles"), Pass(1), End()),
    "roles-ended-while-given": _both(
        _then(Ask(profile="roles")), _until("arm_expiry"), _then(End())
    ),
    "roles-overlapping": _then(
        Ask(profile="roles", minutes=60),
        Ask(who="ben", profile="more-roles", minutes=20),
        Pass(25),
    ),
    "roles-by-pim": _then(Ask(profile="pim-roles", tenant=1), Pass(10), Extend(minutes=30)),
    "roles-by-pim-ended-early": _then(Ask(profile="pim-roles", tenant=1), Pass(1), End()),
}
