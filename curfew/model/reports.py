"""The activity report: what was done with an access, as the directory's own logs tell it."""

from enum import StrEnum

from pydantic import Field

from curfew.model.base import Model, Moment


class Persistence(StrEnum):
    """Ways to keep access beyond the end of a grant; what each takes is in the log of changes."""

    APPLICATION = "application"
    APP_CREDENTIAL = "app-credential"
    CONSENT = "consent"
    ROLE = "role"
    USER = "user"
    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a password
    SIGN_IN_METHOD = "sign-in-method"
    CONDITIONAL_ACCESS = "conditional-access"
    AUTHENTICATION_POLICY = "authentication-policy"
    FEDERATION = "federation"
    PARTNER = "partner"


class Target(Model):
    """What a change was made to."""

    id: str = ""
    kind: str = ""
    name: str = ""


class Change(Model):
    """One change in the directory. Of what was set, only the names of the properties are kept."""

    at: Moment
    activity: str = Field(description="Microsoft's activityDisplayName.")
    category: str
    result: str
    targets: tuple[Target, ...] = ()
    properties: tuple[str, ...] = ()


class SignIn(Model):
    """One interactive sign-in, or an attempt at one."""

    at: Moment
    app: str
    ip: str
    result: str = Field(description="`success`, or Microsoft's error code.")


class PersistenceFinding(Model):
    """A change that may outlive the grant: for a person to look at and, if need be, to undo."""

    kind: Persistence
    what: str
    at: Moment


class ActivityReport(Model):
    """What an account did while it had access, and shortly after.

    What could not be had is None, and a text says why: an empty list means that there was nothing.
    """

    made_at: Moment
    since: Moment
    until: Moment
    changes: tuple[Change, ...] | None = None
    changes_unavailable: str | None = None
    sign_ins: tuple[SignIn, ...] | None = None
    sign_ins_unavailable: str | None = None
    truncated: bool = Field(
        default=False, description="Whether there is more than is kept; the newest is kept."
    )
    persistence: tuple[PersistenceFinding, ...] = Field(
        default=(), description="Of each kind the first few."
    )
    persistence_counts: dict[Persistence, int] = Field(
        default_factory=dict, description="How many of each kind there are."
    )
