"""What must be seen, in which order, and for how long each is waited for."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import httpx
from azure.core.exceptions import AzureError

from devhost.demo import giving, taking_back
from devhost.demo.scene import NOT_YET, Contradiction, Look, Scene, Seen

_LOOK_EVERY = 0.05
"""Seconds between looks while nothing changes. The directory's changes are never waited for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must be seen.

    Steps of the same `stage` that follow each other may happen in any order. `outlasts` is for
    the step that waits for the grant's time to be up.
    """

    name: str
    stage: str
    says: str
    seen_in: str
    look: Callable[[Scene], Look]
    outlasts: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A step that was seen. `at` is in seconds since the first request, None before it."""

    step: Step
    at: float | None
    detail: str


class NotSeen(Exception):
    """A step was not seen in its time, or its opposite was."""

    def __init__(self, step: Step, instead: str) -> None:
        super().__init__(f"{step.name}: {step.says}: {instead}")
        self.step = step
        self.instead = instead


STEPS = (
    Step("running", "start", "Curfew runs", "API", giving.running),
    Step("onboarded", "onboard", "Ada onboards Contoso", "API", giving.onboarded),
    Step("requested", "ask", "Ann asks for access", "API", giving.requested),
    Step("leased", "lease", "Lease written, name claimed", "ledger", giving.leased),
    Step("password-kept", "keep", "Password generated, kept", "vault", giving.password_kept),
    Step("created", "create", "Account created, disabled", "directory", giving.created_disabled),
    Step("roles-assigned", "equip", "Roles assigned", "directory", giving.roles_assigned),
    Step("pass-issued", "equip", "Temporary Access Pass issued", "directory", giving.pass_issued),
    Step("enabled", "enable", "Account enabled, last", "directory", giving.enabled),
    Step("revealed", "reveal", "Credential revealed to Ann", "API", giving.revealed),
    Step("password-works", "use", "Password signs in", "sign-in", giving.password_accepted),
    Step("pass-works", "use", "Pass signs in", "sign-in", giving.pass_accepted),
    Step("expired", "expire", "Time is up", "API", taking_back.expired, outlasts=True),
    Step("disabled", "disable", "Account disabled, first", "directory", taking_back.disabled),
    Step("sessions-revoked", "strip", "Sessions revoked", "sign-in", taking_back.sessions_revoked),
    Step("roles-removed", "strip", "Roles removed", "directory", taking_back.roles_removed),
    Step("methods-removed", "strip", "Pass removed", "directory", taking_back.methods_removed),
    Step("rotated", "strip", "Password rotated", "directory", taking_back.password_rotated),
    Step("secrets-disabled", "strip", "Secrets disabled", "vault", taking_back.secrets_disabled),
    Step("verified", "verify", "Everything read back", "API", taking_back.verified),
    Step("ended", "end", "Grant ended", "ledger", taking_back.ended),
    Step("password-refused", "try", "Password refused", "sign-in", taking_back.password_refused),
    Step("pass-refused", "try", "Pass refused", "sign-in", taking_back.pass_refused),
    Step("session-refused", "try", "Old session refused", "sign-in", taking_back.session_refused),
    Step("requested-again", "ask-again", "Ann asks once more", "API", giving.requested_again),
    Step("woken", "wake", "Her account wakes", "directory", giving.woken),
    Step("returned", "return", "Ann gives it back early", "API", taking_back.returned),
    Step("disabled-again", "sleep", "Account disabled, first", "directory", taking_back.disabled),
    Step("ended-again", "over", "Grant ended", "ledger", taking_back.ended),
)


def play(scene: Scene, patience: float, waiting: Callable[[Step, str], None]) -> Iterator[Line]:
    """See every step, or raise.

    `waiting` is told what is waited for, and what is there instead. A step is given `patience`
    seconds, one that outlasts the grant also the grant's duration.

    Raises:
        NotSeen: the first step that was not.
    """
    for _, stage in groupby(STEPS, key=lambda step: step.stage):
        for step, seen in _stage(scene, list(stage), patience, waiting):
            yield Line(step, _since_request(scene, seen.at), seen.detail)


def _stage(
    scene: Scene, pending: list[Step], patience: float, waiting: Callable[[Step, str], None]
) -> Iterator[tuple[Step, Seen]]:
    longer = scene.duration.total_seconds() if any(step.outlasts for step in pending) else 0.0
    deadline = time.monotonic() + patience + longer
    waiting(pending[0], "")
    while pending:
        looks = [(step, _look(step, scene)) for step in pending]
        found = [(step, look) for step, look in looks if isinstance(look, Seen)]
        yield from sorted(found, key=lambda pair: pair[1].at)
        instead = [(step, look) for step, look in looks if isinstance(look, str)]
        pending = [step for step, _ in instead]
        for step, look in instead[:1]:
            if time.monotonic() > deadline:
                raise NotSeen(step, f"not within {patience + longer:g} s ({look})")
            waiting(step, "" if look == NOT_YET else look)
            scene.witness.wait(_LOOK_EVERY)


def _look(step: Step, scene: Scene) -> Look:
    try:
        return step.look(scene)
    except Contradiction as opposite:
        raise NotSeen(step, str(opposite)) from opposite
    except (httpx.HTTPError, AzureError, ValueError) as error:
        raise NotSeen(step, f"{type(error).__name__}: {error}") from error


def _since_request(scene: Scene, at: datetime) -> float | None:
    return (at - scene.grants[0].asked_at).total_seconds() if scene.grants else None
