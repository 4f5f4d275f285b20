"""Access profiles: what an administrator offers in a tenant under one name."""

from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, model_validator

from curfew.model.base import Duration, Guid, Label, Model, ProfileName


class GrantKind(StrEnum):
    """What a grant gives: a technician's own account in the tenant, or roles to a user of it."""

    ACCOUNT = "account"
    ROLE = "role"


class CredentialKind(StrEnum):
    """What the technician signs in with; `none` where it is a role grant to an existing user."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a password
    TEMPORARY_ACCESS_PASS = "temporaryAccessPass"  # noqa: S105
    BOTH = "both"
    NONE = "none"

    @property
    def has_password(self) -> bool:
        """Whether the technician gets a password."""
        return self in {CredentialKind.PASSWORD, CredentialKind.BOTH}

    @property
    def has_pass(self) -> bool:
        """Whether the technician gets a Temporary Access Pass."""
        return self in {CredentialKind.TEMPORARY_ACCESS_PASS, CredentialKind.BOTH}


class RoleMode(StrEnum):
    """How roles are given: plainly, or by PIM with an expiry that Microsoft keeps as well.

    `auto` is PIM where the tenant is licensed for it, and direct where it is not.
    """

    DIRECT = "direct"
    PIM = "pim"
    AUTO = "auto"


class EndingMode(StrEnum):
    """What becomes of a technician's account after its verified ending."""

    DISABLE = "disable"
    DELETE = "delete"


class Reveal(StrEnum):
    """How often a credential is shown before a new one must be asked for."""

    ONCE = "once"
    REPEATEDLY = "repeatedly"


class Weekday(StrEnum):
    """A day of the week, in the order of ISO 8601."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Audience(Model):
    """People and applications of the home tenant: whoever is named, or in one of the groups."""

    groups: Annotated[
        tuple[Guid, ...],
        Field(max_length=20, description="Object ids of security groups of the home tenant."),
    ] = ()
    people: Annotated[
        tuple[Guid, ...],
        Field(max_length=200, description="Object ids of users and service principals of it."),
    ] = ()


class WorkingHours(Model):
    """When a grant may begin: on these days, from `from` until before `to`, where people work."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = tuple(Weekday)[:5]
    start: time = Field(default=time(8), alias="from", description="Local, for example 08:00:00.")
    end: time = Field(default=time(18), alias="to", description="Local; later than `from`.")
    time_zone: str = Field(default="UTC", description="Of the IANA database: Europe/Vienna.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = "timeZone is none of the IANA database"
            raise ValueError(message) from None
        if self.start.tzinfo or self.end.tzinfo or self.start >= self.end:
            message = "from and to are local times of one day, in this order"
            raise ValueError(message)
        return self


class ProfileSettings(Model):
    """What an administrator offers in a tenant under one name."""

    display_name: Label
    kind: GrantKind = GrantKind.ACCOUNT
    roles: Annotated[
        tuple[Guid, ...],
        Field(max_length=20, description="Role definition ids of the directory."),
    ] = ()
    groups: Annotated[
        tuple[Guid, ...],
        Field(max_length=20, description="Object ids of groups to be a member of for the time."),
    ] = ()
    subjects: Annotated[
        tuple[Guid, ...],
        Field(
            max_length=200,
            description="Of a role profile: the users who may be given the access. In the home "
            "tenant everybody may also ask for himself.",
        ),
    ] = ()
    role_mode: RoleMode = RoleMode.DIRECT
    ending: EndingMode = EndingMode.DISABLE
    credential: CredentialKind = CredentialKind.TEMPORARY_ACCESS_PASS
    default_duration: Duration = timedelta(hours=1)
    min_duration: Duration = timedelta(minutes=5)
    max_duration: Duration = timedelta(hours=8)
    require_justification: bool = False
    require_ticket: bool = False
    approvals: Annotated[int, Field(ge=0, le=2)] = Field(
        default=0, description="How many approvers must consent."
    )
    approval_deadline: Duration = Field(
        default=timedelta(hours=24), description="How long they have for it."
    )
    approve_extensions: bool = Field(
        default=False, description="Whether an extension needs the same consent again."
    )
    requesters: Audience | None = Field(
        default=None, description="Who may ask; every technician and integration when absent."
    )
    approvers: Audience | None = Field(
        default=None, description="Who may decide; every approver when absent."
    )
    working_hours: WorkingHours | None = Field(
        default=None, description="When a grant may begin; at any time when absent."
    )
    reveal: Reveal = Field(
        default=Reveal.REPEATEDLY, description="Whether a credential is shown once or repeatedly."
    )
    max_reveals: Annotated[int, Field(ge=1, le=100)] = Field(
        default=10, description="How often at most, until a new one must be asked for."
    )

    @property
    def most_reveals(self) -> int:
        """How often one credential is shown."""
        return 1 if self.reveal is Reveal.ONCE else self.max_reveals

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.min_duration <= self.default_duration <= self.max_duration:
            message = "minDuration, defaultDuration and maxDuration must be in this order"
            raise ValueError(message)
        for name, ids in (("roles", self.roles), ("groups", self.groups)):
            if len(set(ids)) != len(ids):
                message = f"{name} must not name the same one twice"
                raise ValueError(message)
        if not self.roles and not self.groups:
            message = "a profile gives at least one role or group"
            raise ValueError(message)
        return self._fits_its_kind()

    def _fits_its_kind(self) -> Self:
        if self.kind is GrantKind.ACCOUNT and self.credential is CredentialKind.NONE:
            message = "credential none is for role profiles only"
            raise ValueError(message)
        if self.kind is GrantKind.ACCOUNT and self.subjects:
            message = "subjects belong to role profiles only"
            raise ValueError(message)
        if self.kind is GrantKind.ROLE and self.ending is EndingMode.DELETE:
            message = "the account of an existing user is never deleted"
            raise ValueError(message)
        if self.approve_extensions and not self.approvals:
            message = "approveExtensions needs approvals"
            raise ValueError(message)
        return self


class Role(Model):
    """A directory role by its definition's id and the name the directory gives it."""

    id: Guid
    name: str


class Group(Model):
    """A group by its object id and the name the directory gives it."""

    id: Guid
    name: str


class Profile(ProfileSettings):
    """An access profile as it is kept, its roles with their names in the directory."""

    tenant: Guid
    name: ProfileName
    role_names: dict[Guid, str] = Field(default_factory=dict)
    group_names: dict[Guid, str] = Field(default_factory=dict)
    etag: str = Field(default="", exclude=True)

    @property
    def named_roles(self) -> tuple[Role, ...]:
        """The roles with the names that the directory gave when the profile was saved."""
        return tuple(Role(id=role, name=self.role_names.get(role, role)) for role in self.roles)

    @property
    def named_groups(self) -> tuple[Group, ...]:
        """The groups with the names that the directory gave when the profile was saved."""
        return tuple(
            Group(id=group, name=self.group_names.get(group, group)) for group in self.groups
        )


class ProfileView(Model):
    """A profile as the API shows it."""

    tenant: Guid
    name: ProfileName
    display_name: str
    kind: GrantKind
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    subjects: tuple[Guid, ...]
    role_mode: RoleMode
    ending: EndingMode
    credential: CredentialKind
    default_duration: Duration
    min_duration: Duration
    max_duration: Duration
    require_justification: bool
    require_ticket: bool
    approvals: int
    approval_deadline: Duration
    approve_extensions: bool
    requesters: Audience | None
    approvers: Audience | None
    working_hours: WorkingHours | None
    reveal: Reveal
    max_reveals: int

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The view of a stored profile."""
        shown = profile.model_dump(include=set(cls.model_fields) - {"roles", "groups"})
        return cls(roles=profile.named_roles, groups=profile.named_groups, **shown)
