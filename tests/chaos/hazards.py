"""What goes wrong on purpose: faults, outages, lost workers and histories, strangers."""

from dataclasses import dataclass
from datetime import timedelta

from tests.chaos.stage import Stage
from tests.chaos.trouble import lost


@dataclass(frozen=True)
class Kill:
    """The worker dies before or after a coming step; the work is handed out again, or failed."""

    phase: str = "after"
    step: str = "any"
    how: str = "again"

    def apply(self, stage: Stage) -> None:
        """Arrange it."""
        stage.weather.strikes.append((self.phase, self.step, lost(self.how)))


@dataclass(frozen=True)
class KillSweep:
    """The worker dies in the midst of a sweep."""

    after: int = 1
    applied: bool = True

    def apply(self, stage: Stage) -> None:
        """Sweep, and die."""
        stage.kill_sweep(self.after, applied=self.applied)


@dataclass(frozen=True)
class Purge:
    """A grant's workflow is gone, with its history."""

    grant: int = 0

    def apply(self, stage: Stage) -> None:
        """Purge it."""
        grant = stage.grant(self.grant)
        if grant and stage.engine.purge(grant):
            stage.note(f"{grant} is purged")
            stage.weather.note_trouble()


@dataclass(frozen=True)
class Fail:
    """The next calls of a kind go wrong."""

    call: str = "any change"
    effect: str = "503"
    times: int = 1
    skip: int = 0

    def apply(self, stage: Stage) -> None:
        """Arrange it."""
        stage.weather.strike_call(self.call, self.effect, self.times, self.skip)


@dataclass(frozen=True)
class Flap:
    """Every second reading of a kind says that there is no such thing."""

    call: str = "read account"
    minutes: int = 5

    def apply(self, stage: Stage) -> None:
        """Arrange it."""
        stage.weather.flap(self.call, timedelta(minutes=self.minutes))


@dataclass(frozen=True)
class Outage:
    """A service does not answer for a while."""

    service: str = "graph"
    minutes: int = 60

    def apply(self, stage: Stage) -> None:
        """Arrange it."""
        stage.note(f"an outage of {self.service} begins")
        stage.weather.outage(self.service, timedelta(minutes=self.minutes))


@dataclass(frozen=True)
class Wake:
    """Somebody else's administrator enables a sleeping account and gives it a password."""

    tenant: int = 0
    who: str = "ann"

    def apply(self, stage: Stage) -> None:
        """Wake it, if no grant has it."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        user = customer.find_user(f"msp-{self.who}@{customer.domain}")
        if user is None or stage.watch.leases_of(customer, user):
            return
        stage.note(f"a stranger wakes {user.user_principal_name}")
        stage.watch.note_woken(user)
        user.account_enabled, user.password = True, "Stranger-4711-awake"
        user.last_password_change = stage.clock()


@dataclass(frozen=True)
class Tamper:
    """The technician helps himself: a sign-in method, another role."""

    tenant: int = 0
    who: str = "ann"
    what: str = "method"

    def apply(self, stage: Stage) -> None:
        """Do what his roles would let him do; only while he can sign in."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        user = customer.find_user(f"msp-{self.who}@{customer.domain}")
        if user is None or not user.account_enabled:
            return
        stage.note(f"{self.who} adds a {self.what}")
        if self.what == "method":
            customer.register_method(user.id, "phone")
        else:
            customer.assign_role(user.id, "User Administrator")
