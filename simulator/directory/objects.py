"""The objects of a directory."""

import secrets
import string
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PASSWORD_METHOD = "28c10230-6103-485e-b985-444c60001490"  # noqa: S105  the same id in every tenant
METHOD_KINDS = {
    "phone": "phoneMethods",
    "fido2": "fido2Methods",
    "microsoftAuthenticator": "microsoftAuthenticatorMethods",
    "softwareOath": "softwareOathMethods",
    "email": "emailMethods",
    "windowsHelloForBusiness": "windowsHelloForBusinessMethods",
}


def new_id() -> str:
    """A fresh object id."""
    return str(uuid.uuid4())


@dataclass
class Arrival:
    """How a new object becomes visible to readers: by the clock, after reads, or flapping."""

    visible_from: datetime
    hidden_reads: int = 0
    flapping_reads: int = 0
    _turn: bool = False

    def visible(self, now: datetime, *, reading: bool) -> bool:
        """Whether a reader sees the object now. A real read (`reading`) uses up hidden reads."""
        if now < self.visible_from:
            return False
        if self.hidden_reads > 0:
            self.hidden_reads -= reading
            return False
        if self.flapping_reads > 0 and reading:
            self.flapping_reads -= 1
            self._turn = not self._turn
            return self._turn
        return True


@dataclass(eq=False)
class Method:
    """One way of signing in that a person registered: phone, fido2, softwareOath, ..."""

    kind: str
    created: datetime
    details: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_id)


@dataclass(eq=False)
class TemporaryAccessPass:
    """A pass that lives from `start` for `minutes`, known only to whoever was told at creation."""

    created: datetime
    start: datetime
    minutes: int
    usable_once: bool
    value: str
    used: bool = False
    id: str = field(default_factory=new_id)

    @property
    def end(self) -> datetime:
        """When it stops working, and every session opened with it."""
        return self.start + timedelta(minutes=self.minutes)


def new_pass(length: int = 8) -> str:
    """A value for a temporary access pass."""
    alphabet = string.ascii_letters + string.digits + "*+!&$#"
    return "".join(secrets.choice(alphabet) for _ in range(length))


@dataclass(eq=False)
class User:
    """An account. `profile` holds the plain properties by their Graph names."""

    id: str
    user_principal_name: str
    display_name: str
    created: datetime
    last_password_change: datetime
    sessions_valid_from: datetime
    password: str | None = None
    account_enabled: bool = True
    force_change: bool = False
    mail_nickname: str = ""
    user_type: str = "Member"
    synced: bool = False
    profile: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    access_pass: TemporaryAccessPass | None = None
    deleted: datetime | None = None
    arrival: Arrival | None = None
    past: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def remember(self, now: datetime, document: dict[str, Any]) -> None:
        """Keep how the account looked until now, for readers that lag behind."""
        self.past = [*self.past[-9:], (now, document)]

    def seen_at(self, moment: datetime, present: dict[str, Any]) -> dict[str, Any]:
        """How the account looked at a moment; `present` when nothing has changed since."""
        return next((document for until, document in self.past if until > moment), present)


@dataclass(eq=False)
class Group:
    """A group; a role-assignable one makes its members privileged whether or not it has a role."""

    id: str
    display_name: str
    created: datetime
    role_assignable: bool = False
    dynamic: bool = False
    synced: bool = False
    members: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    description: str | None = None


@dataclass(eq=False)
class ServicePrincipal:
    """An application as it exists in one tenant, with what was consented to there."""

    id: str
    app_id: str
    display_name: str
    permissions: set[str] = field(default_factory=set)
    enabled: bool = True
    owners: list[str] = field(default_factory=list)


@dataclass(eq=False)
class ManagedIdentity:
    """A user-assigned managed identity."""

    client_id: str
    principal_id: str
    name: str


@dataclass(eq=False)
class RoleAssignment:
    """A directory role given to a user, group or service principal."""

    id: str
    principal_id: str
    role_id: str
    scope: str
    created: datetime
    schedule_id: str | None = None
    arrival: Arrival | None = None
    removed: datetime | None = None


@dataclass(eq=False)
class RoleSchedule:
    """A role given through Privileged Identity Management, for a time or for good."""

    id: str
    principal_id: str
    role_id: str
    scope: str
    created: datetime
    start: datetime
    end: datetime | None
    request_id: str
    assignment_id: str
    visible_from: datetime

    def active(self, now: datetime) -> bool:
        """Whether the role is in effect."""
        return max(self.start, self.visible_from) <= now and not self.over(now)

    def over(self, now: datetime) -> bool:
        """Whether its end has come."""
        return self.end is not None and now >= self.end


@dataclass(eq=False)
class Domain:
    """A domain of the tenant; accounts in an unverified or federated one cannot be made."""

    name: str
    verified: bool = True
    authentication_type: str = "Managed"
    initial: bool = False
    default: bool = False
