"""Looks at one account, from outside Curfew, after every call that reached the pretend cloud."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import override

from simulator import Cloud
from simulator.calls import Call, Calls
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Sighting:
    """The account and the vault at one moment. While there is no account, `account_id` is empty."""

    at: datetime
    account_id: str = ""
    enabled: bool = False
    roles: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    sessions: int = 0
    password: str = field(default="", repr=False)
    readable_secrets: frozenset[str] = frozenset()


class Witness(Calls):
    """A log of calls that also keeps how the account looked after each, wherever it changed.

    The cloud handles one call at a time and logs it before it answers: no state of the account,
    however short, goes by unseen, and none depends on how fast the machine is.
    """

    def __init__(self, cloud: Cloud, tenant: Tenant, name: str) -> None:
        super().__init__()
        self._cloud = cloud
        self._tenant = tenant
        self._name = name
        self._sightings = [self._look()]
        self._news = threading.Condition()

    @override
    def add(self, call: Call) -> None:
        super().add(call)
        now = self._look()
        with self._news:
            if replace(now, at=self._sightings[-1].at) != self._sightings[-1]:
                self._sightings.append(now)
                self._news.notify_all()

    @property
    def mark(self) -> int:
        """A place in the sightings: what comes later is found with it."""
        return len(self._sightings)

    @property
    def latest(self) -> Sighting:
        """How the account looks now."""
        return self._sightings[-1]

    def first(self, shows: Callable[[Sighting], bool], *, since: int) -> Sighting | None:
        """The first sighting after a mark that shows something, if it was seen yet."""
        return next((seen for seen in self._sightings[since:] if shows(seen)), None)

    def wait(self, seconds: float) -> None:
        """Return when the account changes, or after so many seconds."""
        with self._news:
            self._news.wait(seconds)

    def vault_holds(self, value: str) -> bool:
        """Whether a value lies in the vault under any name, readable or not."""
        with self._cloud.lock:
            secrets = self._cloud.vault.secrets.values()
            return any(v.value == value for secret in secrets for v in secret.versions.values())

    def _look(self) -> Sighting:
        with self._cloud.lock:
            user = self._tenant.find_user(self._name)
            secrets = self._cloud.vault.secrets.values()
            seen = Sighting(
                at=self._cloud.now(),
                readable_secrets=frozenset(
                    secret.name
                    for secret in secrets
                    if any(version.enabled for version in secret.versions.values())
                ),
            )
            return seen if user is None else self._with_account(seen, user)

    def _with_account(self, seen: Sighting, user: User) -> Sighting:
        passes = {user.access_pass.id} if user.access_pass else set()
        sessions = self._cloud.sessions.of(self._tenant.id, user.id)
        return replace(
            seen,
            account_id=user.id,
            enabled=user.account_enabled,
            roles=frozenset(item.role_id for item in self._tenant.assignments_of(user.id)),
            methods=frozenset(user.methods) | passes,
            sessions=sum(not session.revoked for session in sessions),
            password=user.password or "",
        )
