"""What can happen on a stage. A sequence of these is a plain Python value that can be replayed."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol

from tests.chaos.offers import ROLE_PROFILES, offers, subject_of
from tests.chaos.stage import CONNECTION, Stage
from tests.chaos.trouble import lost
from tests.lifecycle.client import ADA, ANN, BEN, PAUL, PETRA, Answer

PEOPLE = {person.alias: person for person in (ANN, BEN, PETRA, PAUL, ADA)}
OWNER = "owner"
"""Whoever asked for the grant that a step is about."""


class Step(Protocol):
    """One thing that happens."""

    def apply(self, stage: Stage) -> None:
        """Let it happen."""


def _call(
    stage: Stage, who: str, method: str, address: str, body: Any = None, **headers: str
) -> Answer:
    """Make a request; whatever the weather, the answer is one that was thought of."""
    if who == OWNER:
        who = stage.owners[address.split("/")[3]]
    answer = stage.api(PEOPLE[who], method, address, body, **headers)
    stage.note(f"{who} {method} {address} -> {answer.status}")
    assert answer.status != HTTPStatus.INTERNAL_SERVER_ERROR, f"{method} {address}: 500"
    return answer


@dataclass(frozen=True)
class Ask:
    """A technician asks for a grant."""

    who: str = "ann"
    tenant: int = 0
    profile: str = "both"
    minutes: int = 60
    starts_in: int | None = None

    def apply(self, stage: Stage) -> None:
        """Ask."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        body = {
            "tenant": customer.id,
            "profile": self.profile,
            "duration": f"PT{self.minutes}M",
        }
        if self.profile in ROLE_PROFILES:
            body["subject"] = subject_of(customer).id
        if self.starts_in is not None:
            start = stage.clock() + timedelta(minutes=self.starts_in)
            body["startAt"] = start.isoformat()
        answer = _call(stage, self.who, "POST", "/api/grants", body)
        if answer.status == HTTPStatus.ACCEPTED:
            stage.grants.append(answer["id"])
            stage.owners[answer["id"]] = self.who


@dataclass(frozen=True)
class End:
    """Somebody ends a grant: its technician, an approver, an administrator."""

    grant: int = 0
    who: str = OWNER

    def apply(self, stage: Stage) -> None:
        """Order the end."""
        if grant := stage.grant(self.grant):
            _call(stage, self.who, "POST", f"/api/grants/{grant}/end", {"reason": "chaos"})


@dataclass(frozen=True)
class Decide:
    """An approver consents or refuses, to whatever is asked of him by now."""

    grant: int = 0
    who: str = "petra"
    verb: str = "approve"

    def apply(self, stage: Stage) -> None:
        """Say so."""
        if grant := stage.grant(self.grant):
            _call(stage, self.who, "POST", f"/api/grants/{grant}/{self.verb}", {})


@dataclass(frozen=True)
class Consent:
    """Two approvers consent to whatever is asked of them by now."""

    grant: int = 0

    def apply(self, stage: Stage) -> None:
        """Say so, one after the other."""
        for who in ("petra", "paul"):
            Decide(self.grant, who).apply(stage)
            stage.run_steps(3)


@dataclass(frozen=True)
class Extend:
    """Somebody asks for more time."""

    grant: int = 0
    who: str = OWNER
    minutes: int = 30

    def apply(self, stage: Stage) -> None:
        """Ask for it."""
        if grant := stage.grant(self.grant):
            body = {"duration": f"PT{self.minutes}M"}
            _call(stage, self.who, "POST", f"/api/grants/{grant}/extend", body)


@dataclass(frozen=True)
class Reveal:
    """A technician takes his credential."""

    grant: int = 0
    who: str = OWNER

    def apply(self, stage: Stage) -> None:
        """Reveal it."""
        if grant := stage.grant(self.grant):
            _call(stage, self.who, "POST", f"/api/grants/{grant}/credential")


@dataclass(frozen=True)
class Pass:
    """Time passes, and the app works."""

    minutes: int = 1

    def apply(self, stage: Stage) -> None:
        """Let it pass."""
        stage.pass_time(timedelta(minutes=self.minutes))


@dataclass(frozen=True)
class Work:
    """The engine takes a few steps, and no timer fires: the next thing happens in between."""

    steps: int = 1

    def apply(self, stage: Stage) -> None:
        """Let it work."""
        stage.run_steps(self.steps)


@dataclass(frozen=True)
class Jump:
    """The app stands still, and the clock goes on."""

    minutes: int = 30

    def apply(self, stage: Stage) -> None:
        """Jump."""
        stage.note("the app stands still")
        stage.lose_time(timedelta(minutes=self.minutes))


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
class Tighten:
    """An administrator lowers what a profile allows."""

    tenant: int = 0
    profile: str = "both"

    def apply(self, stage: Stage) -> None:
        """Change the profile."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        settings = offers(customer)[self.profile].to_json()
        lower = {"defaultDuration": "PT5M", "minDuration": "PT1M", "maxDuration": "PT6M"}
        _change(stage, self.tenant, f"/profiles/{self.profile}", {**settings, **lower})


@dataclass(frozen=True)
class Limit:
    """An administrator lowers a tenant's hard limit."""

    tenant: int = 0

    def apply(self, stage: Stage) -> None:
        """Change the tenant."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        settings = {
            "displayName": customer.name,
            "accountDomain": customer.domain,
            "hardLimit": "PT30M",
        }
        _change(stage, self.tenant, "", settings)


@dataclass(frozen=True)
class Reconnect:
    """An administrator has the tenant reached with a client secret instead."""

    tenant: int = 0

    def apply(self, stage: Stage) -> None:
        """Change the tenant."""
        customer = stage.customers[self.tenant % len(stage.customers)]
        settings = {
            "displayName": customer.name,
            "accountDomain": customer.domain,
            "connection": {"kind": "secret", "secretName": CONNECTION},
        }
        _change(stage, self.tenant, "", settings)


@dataclass(frozen=True)
class Withdraw:
    """An administrator deletes a profile."""

    tenant: int = 0
    profile: str = "both"

    def apply(self, stage: Stage) -> None:
        """Delete it."""
        address = _address(stage, self.tenant, f"/profiles/{self.profile}")
        found = _call(stage, "ada", "GET", address)
        if found.status == HTTPStatus.OK:
            _call(stage, "ada", "DELETE", address, If_Match=found.headers["ETag"])


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


def _address(stage: Stage, tenant: int, below: str) -> str:
    return f"/api/tenants/{stage.customers[tenant % len(stage.customers)].id}{below}"


def _change(stage: Stage, tenant: int, below: str, settings: dict[str, Any]) -> None:
    address = _address(stage, tenant, below)
    found = _call(stage, "ada", "GET", address)
    if found.status == HTTPStatus.OK:
        _call(stage, "ada", "PUT", address, settings, If_Match=found.headers["ETag"])
