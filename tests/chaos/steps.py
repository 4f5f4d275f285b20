"""What can happen on a stage. A sequence of these is a plain Python value that can be replayed."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol

from tests.chaos.offers import ROLE_PROFILES, subject_of
from tests.chaos.stage import Stage
from tests.lifecycle.client import ADA, ANN, BEN, PAUL, PETRA, Answer

PEOPLE = {person.alias: person for person in (ANN, BEN, PETRA, PAUL, ADA)}
OWNER = "owner"
"""Whoever asked for the grant that a step is about."""


class Step(Protocol):
    """One thing that happens."""

    def apply(self, stage: Stage) -> None:
        """Let it happen."""


def call(
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
        answer = call(stage, self.who, "POST", "/api/grants", body)
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
            call(stage, self.who, "POST", f"/api/grants/{grant}/end", {"reason": "chaos"})


@dataclass(frozen=True)
class Decide:
    """An approver consents or refuses, to whatever is asked of him by now."""

    grant: int = 0
    who: str = "petra"
    verb: str = "approve"

    def apply(self, stage: Stage) -> None:
        """Say so."""
        if grant := stage.grant(self.grant):
            call(stage, self.who, "POST", f"/api/grants/{grant}/{self.verb}", {})


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
            call(stage, self.who, "POST", f"/api/grants/{grant}/extend", body)


@dataclass(frozen=True)
class Reveal:
    """A technician takes his credential."""

    grant: int = 0
    who: str = OWNER

    def apply(self, stage: Stage) -> None:
        """Reveal it."""
        if grant := stage.grant(self.grant):
            call(stage, self.who, "POST", f"/api/grants/{grant}/credential")


@dataclass(frozen=True)
class Renew:
    """A technician asks for a new credential."""

    grant: int = 0
    who: str = OWNER

    def apply(self, stage: Stage) -> None:
        """Ask for it."""
        if grant := stage.grant(self.grant):
            call(stage, self.who, "POST", f"/api/grants/{grant}/credential/renew")


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
