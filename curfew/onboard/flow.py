"""The steps of bringing a customer aboard. Each looks first: what is done is not done again.

So the command can be stopped anywhere and started again, and goes on where it was.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from curfew.model.base import Model
from curfew.model.checks import CheckReport, Severity
from curfew.model.onboarding import OnboardingView
from curfew.model.tenants import TenantView
from curfew.onboard.client import Administrator, CouldNot, Document
from curfew.onboard.showing import Screen

HEALTHY, BROKEN = 0, 1
_LOOK_EVERY = 3.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The customer who is to come aboard."""

    tenant: str
    name: str
    domain: str | None = None
    connection: Document = field(default_factory=dict)
    profiles: tuple[Path, ...] = ()


class Flow:
    """The steps, with whoever they are shown to.

    Args:
        api: The administrator's client.
        screen: Where each step is shown.
        patience: How long the customer has for what is his to do, each time.
        look_every: How long to wait between two looks at what he did, in seconds.
    """

    def __init__(
        self,
        api: Administrator,
        screen: Screen,
        patience: timedelta,
        look_every: float = _LOOK_EVERY,
    ) -> None:
        self._api = api
        self._screen = screen
        self._patience = patience
        self._look_every = look_every

    def run(self, wanted: Wanted) -> int:
        """All of it; answers 0 when the tenant is healthy and 1 when the check found errors.

        Raises:
            CouldNot: a step could not be done, and the ones after it were not tried.
        """
        profiles = {path.stem: _profile(path) for path in wanted.profiles}
        self._screen.title(wanted.name, wanted.tenant)
        view = self._consent(wanted)
        self._record(wanted, view)
        self._offer(wanted, profiles)
        self._role(view)
        return self._check(wanted)

    def _consent(self, wanted: Wanted) -> Document:
        self._screen.step("Consent")
        asked = {
            "tenant": wanted.tenant,
            "displayName": wanted.name,
            "accountDomain": wanted.domain,
            "connection": wanted.connection,
        }
        begun = self._api.write("POST", "/api/onboarding", _said(asked))
        view = _known(OnboardingView, begun).to_json()
        if view["letIn"]:
            self._screen.done("The tenant lets Curfew in.")
            return view
        if view["consentAddress"]:
            self._screen.address(view["consentAddress"])
        else:
            self._screen.instructions(view["instructions"])

        def answered(found: Document) -> bool:
            if found["state"] == "refused":
                message = f"Consent was refused. {found['meaning']} Run the command again."
                raise CouldNot(message)
            if found["state"] == "expired" and not found["letIn"]:
                message = "The address is no longer good. Run the command again for a new one."
                raise CouldNot(message)
            return bool(found["letIn"])

        view, arrived = self._wait(view["id"], "Waiting for consent", answered)
        if not arrived:
            message = f"No consent came in time. {view['obstacle'] or ''} Run the command again."
            raise CouldNot(message)
        self._screen.done("The tenant lets Curfew in.")
        return view

    def _record(self, wanted: Wanted, view: Document) -> None:
        self._screen.step("Settings")
        address = f"/api/tenants/{wanted.tenant}"
        if known := self._api.read(address):
            name = _known(TenantView, known).display_name
            self._screen.done(f"{name} is on record, and left as it is.")
            return
        domain = wanted.domain or view["accountDomain"]
        if not domain:
            message = "The tenant's initial domain cannot be read: name one with --domain."
            raise CouldNot(message)
        settings = {
            "displayName": wanted.name,
            "accountDomain": domain,
            "connection": wanted.connection,
        }
        self._api.write("PUT", address, settings)
        self._screen.done(f"Recorded. Accounts are made in {domain}.")

    def _offer(self, wanted: Wanted, profiles: dict[str, Document]) -> None:
        for name, profile in profiles.items():
            address = f"/api/tenants/{wanted.tenant}/profiles/{name}"
            if self._api.read(address):
                self._screen.done(f"The profile {name} is on record, and left as it is.")
                continue
            self._api.write("PUT", address, profile)
            self._screen.done(f"The profile {name} is offered.")

    def _role(self, view: Document) -> None:
        """Show the command and wait for its effect. Without it the check says what is missing."""
        self._screen.step("Directory role")
        view = self._look(view["id"])
        if view["roleHeld"]:
            self._screen.done("Curfew's service principal holds it.")
            return
        if view["roleCommand"] is None:
            self._screen.note(view["obstacle"] or "Curfew's service principal cannot be read.")
            return
        self._screen.command(view["roleCommand"])
        _, arrived = self._wait(
            view["id"],
            "Waiting for the role (Enter goes on without it)",
            lambda found: bool(found["roleHeld"]),
            may_skip=True,
        )
        if arrived:
            self._screen.done("Curfew's service principal holds it.")
        else:
            self._screen.note("It does not hold it yet. The command is good at any time.")

    def _check(self, wanted: Wanted) -> int:
        self._screen.step("Check")
        answer = self._api.write("POST", f"/api/tenants/{wanted.tenant}/check", {})
        report = _known(CheckReport, answer)
        self._screen.report(report, wanted.name)
        wrong = any(finding.severity is Severity.ERROR for finding in report.findings)
        return HEALTHY if report.healthy and not wrong else BROKEN

    def _look(self, view_id: str) -> Document:
        found = self._api.read(f"/api/onboarding/{view_id}")
        if found is None:
            message = "Curfew no longer knows this onboarding. Run the command again."
            raise CouldNot(message)
        return _known(OnboardingView, found).to_json()

    def _wait(
        self,
        view_id: str,
        what: str,
        arrived: Callable[[Document], bool],
        *,
        may_skip: bool = False,
    ) -> tuple[Document, bool]:
        """Look until it has come, or time is up; answers the last look, and whether it has."""
        deadline = datetime.now(UTC) + self._patience
        with self._screen.waiting(what, deadline) as waiting:
            while True:
                found = self._look(view_id)
                if arrived(found):
                    return found, True
                if datetime.now(UTC) >= deadline:
                    return found, False
                if may_skip:
                    if waiting.skipped(self._look_every):
                        return found, False
                else:
                    time.sleep(self._look_every)


def _known[M: Model](model: type[M], document: Document) -> M:
    """An answer as this release knows it: what is missing or odd is never taken for well.

    Raises:
        CouldNot: it is none.
    """
    try:
        return model.read(document)
    except ValidationError as error:
        message = "This is no answer of Curfew's that this command understands."
        raise CouldNot(message) from error


def _profile(path: Path) -> Document:
    try:
        profile = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path} cannot be read."
        raise CouldNot(message) from error
    except ValueError as error:
        message = f"{path} is not JSON."
        raise CouldNot(message) from error
    if not isinstance(profile, dict):
        message = f"{path} is not a JSON object."
        raise CouldNot(message)
    return profile


def _said(document: Document) -> Document:
    return {name: value for name, value in document.items() if value is not None}
