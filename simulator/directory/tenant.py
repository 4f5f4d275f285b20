"""One tenant: its people, groups, applications, roles, policies and logs."""

import secrets
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.directory.objects import (
    Arrival,
    Domain,
    Group,
    ManagedIdentity,
    Method,
    RoleAssignment,
    RoleSchedule,
    ServicePrincipal,
    User,
    new_id,
)
from simulator.directory.policies import AccessPassPolicy, Knobs, RolePolicy
from simulator.directory.roles import role_named

RETENTION = timedelta(days=30)


@dataclass(eq=False)
class Tenant:
    """A directory. Everything in it may be read and changed in place.

    The `add_*` and `assign_role` methods act as an administrator in the portal would, without
    delay: what they make is visible at once.
    """

    id: str
    name: str
    domain: str
    now: Callable[[], datetime]
    is_home: bool = False
    licences: set[str] = field(default_factory=set)
    users: dict[str, User] = field(default_factory=dict)
    deleted_users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    service_principals: dict[str, ServicePrincipal] = field(default_factory=dict)
    managed_identities: dict[str, ManagedIdentity] = field(default_factory=dict)
    role_assignments: dict[str, RoleAssignment] = field(default_factory=dict)
    removed_assignments: list[RoleAssignment] = field(default_factory=list)
    role_schedules: dict[str, RoleSchedule] = field(default_factory=dict)
    role_requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    role_eligibilities: dict[str, RoleSchedule] = field(default_factory=dict)
    role_eligibility_requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    app_roles: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    access_pass_policy: AccessPassPolicy = field(default_factory=AccessPassPolicy)
    role_policy: RolePolicy = field(default_factory=RolePolicy)
    knobs: Knobs = field(default_factory=Knobs)
    banned_words: tuple[str, ...] = ()
    directory_audits: list[dict[str, Any]] = field(default_factory=list)
    sign_ins: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Every tenant begins with its initial domain."""
        self.domains.setdefault(
            self.domain.lower(), Domain(self.domain, initial=True, default=True)
        )

    # People and groups

    def add_user(
        self,
        name: str,
        display_name: str | None = None,
        *,
        password: str | None = None,
        user_id: str | None = None,
        enabled: bool = True,
        synced: bool = False,
        roles: tuple[str, ...] = (),
        **profile: Any,
    ) -> User:
        """Make an account, `name` being an alias or a whole user principal name."""
        principal_name = name if "@" in name else f"{name}@{self.domain}"
        now = self.now()
        user = User(
            id=user_id or new_id(),
            user_principal_name=principal_name,
            display_name=display_name or name,
            created=now,
            last_password_change=now,
            sessions_valid_from=now,
            password=password or f"Seed-{secrets.token_urlsafe(12)}-7x",
            account_enabled=enabled,
            mail_nickname=principal_name.partition("@")[0],
            synced=synced,
            profile=profile,
        )
        self.users[user.id] = user
        for role in roles:
            self.assign_role(user.id, role)
        return user

    def add_group(
        self,
        display_name: str,
        *,
        members: tuple[str, ...] = (),
        role_assignable: bool = False,
        group_id: str | None = None,
        dynamic: bool = False,
        synced: bool = False,
    ) -> Group:
        """Make a security group."""
        group = Group(
            id=group_id or new_id(),
            display_name=display_name,
            created=self.now(),
            role_assignable=role_assignable,
            dynamic=dynamic,
            synced=synced,
            members=list(members),
        )
        self.groups[group.id] = group
        return group

    def user(self, id_or_name: str) -> User:
        """The live account with this id or user principal name; `KeyError` when there is none."""
        found = self.find_user(id_or_name)
        if found is None:
            raise KeyError(id_or_name)
        return found

    def find_user(self, id_or_name: str) -> User | None:
        """The live account with this id or user principal name, visible or not."""
        wanted = id_or_name.lower()
        return self.users.get(wanted) or next(
            (user for user in self.users.values() if user.user_principal_name.lower() == wanted),
            None,
        )

    def register_method(self, id_or_name: str, kind: str, **details: Any) -> Method:
        """Register a way of signing in, as the person at the keyboard would."""
        method = Method(kind=kind, created=self.now(), details=details)
        self.user(id_or_name).methods[method.id] = method
        return method

    # Applications

    def consent(
        self,
        app_id: str,
        display_name: str,
        permissions: set[str],
        *,
        principal_id: str | None = None,
        roles: tuple[str, ...] = (),
    ) -> ServicePrincipal:
        """Let an application into the tenant with these Graph permissions, and these roles."""
        principal = self.principal_of(app_id)
        if principal is None:
            principal = ServicePrincipal(principal_id or new_id(), app_id, display_name)
            self.service_principals[principal.id] = principal
        principal.permissions |= permissions
        for role in roles:
            self.assign_role(principal.id, role)
        return principal

    def principal_of(self, app_id: str) -> ServicePrincipal | None:
        """The service principal of an application in this tenant."""
        return next(
            (item for item in self.service_principals.values() if item.app_id == app_id), None
        )

    def withdraw_consent(self, app_id: str) -> None:
        """Remove an application from the tenant, with its roles."""
        principal = self.principal_of(app_id)
        if principal is not None:
            del self.service_principals[principal.id]
            for assignment in self.assignments_of(principal.id):
                del self.role_assignments[assignment.id]

    # Roles

    def assign_role(self, principal_id: str, role: str, scope: str = "/") -> RoleAssignment:
        """Give a role (by name or id) to a principal, at once and without questions."""
        assignment = RoleAssignment(
            new_assignment_id(), principal_id, role_named(role).id, scope, self.now()
        )
        self.role_assignments[assignment.id] = assignment
        return assignment

    def make_eligible(
        self,
        principal_id: str,
        role: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> RoleSchedule:
        """Let a principal activate a role (by name or id) whenever it likes, for good or until."""
        now = self.now()
        schedule = RoleSchedule(
            id=new_id(),
            principal_id=principal_id,
            role_id=role_named(role).id,
            scope="/",
            created=now,
            start=start or now,
            end=end,
            request_id="",
            assignment_id=new_assignment_id(),
            visible_from=now,
        )
        self.role_eligibilities[schedule.id] = schedule
        return schedule

    def current_assignments(self) -> Iterator[RoleAssignment]:
        """Every role assignment in effect now; those of deleted accounts sleep until a restore."""
        return (item for item in self._assignments() if self.holder_exists(item.principal_id))

    def _assignments(self) -> Iterator[RoleAssignment]:
        """Direct assignments and those of running schedules, whoever holds them."""
        now = self.now()
        yield from self.role_assignments.values()
        for schedule in self.role_schedules.values():
            if schedule.active(now):
                yield RoleAssignment(
                    schedule.assignment_id,
                    schedule.principal_id,
                    schedule.role_id,
                    schedule.scope,
                    schedule.start,
                    schedule.id,
                )

    def holder_exists(self, principal_id: str) -> bool:
        """Whether a principal is live."""
        return (
            principal_id in self.users
            or principal_id in self.groups
            or principal_id in self.service_principals
        )

    def assignments_of(self, principal_id: str) -> list[RoleAssignment]:
        """The role assignments in effect that name this principal itself."""
        return [item for item in self.current_assignments() if item.principal_id == principal_id]

    def roles_of(self, principal_id: str) -> set[str]:
        """The ids of the roles a principal holds, itself or through a group."""
        holders = {principal_id, *(group.id for group in self.groups_of(principal_id))}
        return {item.role_id for item in self._assignments() if item.principal_id in holders}

    def role_object_id(self, role_id: str) -> str:
        """The id under which a role appears among memberships: of this tenant, not the template."""
        return str(uuid.uuid5(uuid.UUID(self.id), role_id))

    def groups_of(self, principal_id: str) -> list[Group]:
        """The groups that name this principal as a member."""
        return [group for group in self.groups.values() if principal_id in group.members]

    def all_groups_of(self, principal_id: str) -> list[Group]:
        """The groups that contain this principal, itself or through other groups."""
        found: dict[str, Group] = {}
        queue = self.groups_of(principal_id)
        while queue:
            group = queue.pop()
            if group.id not in found:
                found[group.id] = group
                queue.extend(self.groups_of(group.id))
        return list(found.values())

    def in_protected_group(self, principal_id: str) -> bool:
        """Whether a principal is member or owner of a role-assignable group."""
        return any(
            group.role_assignable
            and (principal_id in group.members or principal_id in group.owners)
            for group in self.groups.values()
        )

    # Licences, retention, arrival

    @property
    def premium(self) -> bool:
        """Whether the tenant has Entra ID P1 or P2."""
        return bool(self.licences & {"P1", "P2"})

    @property
    def privileged_identity_management(self) -> bool:
        """Whether the tenant may use Privileged Identity Management."""
        return "P2" in self.licences

    def expire_deleted(self) -> None:
        """Drop accounts whose thirty days in the bin are over."""
        now = self.now()
        for user in list(self.deleted_users.values()):
            if user.deleted is not None and now - user.deleted >= RETENTION:
                del self.deleted_users[user.id]

    def arrival(self) -> Arrival:
        """How an object that is made now will become visible."""
        return Arrival(
            self.now() + timedelta(seconds=self.knobs.replication_seconds),
            self.knobs.replication_reads,
            self.knobs.flapping_reads,
        )


def new_assignment_id() -> str:
    """An opaque id in the style of role assignments: not a GUID, and not to be parsed."""
    return secrets.token_urlsafe(30).replace("_", "-") + "-1"
