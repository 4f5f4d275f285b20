"""Reading what the preflight judges: everything at once, each by itself, nothing written.

The sign-in comes first, with a credential that remembers no token. Without a token nothing in the
directory is looked at: ten refusals would say no more than the one.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from curfew.concurrency import together
from curfew.errors import CurfewError, Missing, ServiceError
from curfew.model.profiles import Profile
from curfew.model.tenants import Connection, ConnectionKind, Tenant
from curfew.services import Services

if TYPE_CHECKING:
    from curfew.entra.accounts import Account
    from curfew.entra.directory import Directory
    from curfew.entra.facts import Domain, GroupFacts
    from curfew.entra.methods import PassPolicy
    from curfew.entra.principals import OwnPrincipal, Registered
    from curfew.vault import Standing

_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Unread:
    """A fact that could not be had, and the error that says why."""

    error: CurfewError

    @property
    def reason(self) -> str:
        """Why, for people: which service, what it said, to which call. Never a service's text."""
        return self.error.detail

    @property
    def denied(self) -> bool:
        """Whether it was refused, and will be again until somebody changes something."""
        return isinstance(self.error, ServiceError) and self.error.code == "denied"


type Fact[T] = T | Unread


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What the directory said.

    A group or an account that it does not know is None; what was not asked for is not there.
    """

    principal: "Fact[OwnPrincipal]"
    consented: Fact[frozenset[str]]
    own_roles: Fact[frozenset[str]]
    role_names: Fact[dict[str, str]]
    domains: "Fact[dict[str, Domain]]"
    plans: Fact[frozenset[str]]
    pass_policy: "Fact[PassPolicy] | None" = None
    groups: "dict[str, Fact[GroupFacts | None]]" = field(default_factory=dict)
    accounts: "Fact[dict[str, Account]]" = field(default_factory=dict)
    registered: "Fact[tuple[Registered, ...] | None]" = None


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """Everything that the findings are made from.

    `refused` is why there is no token; then `directory` is None. `standing` and `certificate` are
    None for a connection that has no secret, or no certificate.
    """

    tenant: Tenant
    profiles: tuple[Profile, ...]
    now: datetime
    refused: Unread | None = None
    directory: DirectoryFacts | None = None
    standing: "Fact[Standing] | None" = None
    certificate: Fact[datetime] | None = None
    has_passes: bool = True


async def gather(services: Services, tenant: Tenant, profiles: tuple[Profile, ...]) -> TenantFacts:
    """Read everything about a tenant. What cannot be read is said in its place."""
    from curfew.clouds import CloudName

    directory = services.afresh(tenant.id, tenant.connection)
    refused, standing, certificate = await together(
        _refusal(directory), _standing(services, tenant), _certificate(services, tenant)
    )
    return TenantFacts(
        tenant=tenant,
        profiles=profiles,
        now=services.clock(),
        refused=refused,
        directory=None if refused else await _look(services, directory, tenant, profiles),
        standing=standing,
        certificate=certificate,
        has_passes=tenant.cloud is not CloudName.CHINA,
    )


async def _refusal(directory: "Directory") -> Unread | None:
    try:
        await directory.facts.sign_in()
    except CurfewError as error:
        return Unread(error)
    return None


async def _standing(services: Services, tenant: Tenant) -> "Fact[Standing] | None":
    name = tenant.connection.secret_name
    return await _fact(services.vault.standing(name)) if name else None


async def _certificate(services: Services, tenant: Tenant) -> Fact[datetime] | None:
    if tenant.connection.kind is not ConnectionKind.CERTIFICATE:
        return None
    return await _fact(services.credentials.certificate_until(tenant.connection))


async def _look(
    services: Services, directory: "Directory", tenant: Tenant, profiles: tuple[Profile, ...]
) -> DirectoryFacts:
    """Read the directory: a few calls at once, one more for every fifteen accounts."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def fact[T](reading: Awaitable[T]) -> Fact[T]:
        async with places:
            return await _fact(reading)

    wants_passes = any(each.credential.has_pass for each in profiles)
    people = {*tenant.break_glass, *chain.from_iterable(each.subjects for each in profiles)}
    facts = directory.facts
    own, role_names, domains, plans, policy, accounts = await together(
        _own(directory, tenant.connection, services.settings.app_id),
        fact(facts.role_names()),
        fact(facts.domains()),
        fact(facts.service_plans()),
        fact(directory.methods.pass_policy()) if wants_passes else _nothing(),
        fact(directory.accounts.known(people)),
    )
    principal, consented, own_roles, registered = own
    targets = () if policy is None or isinstance(policy, Unread) else policy.targets
    return DirectoryFacts(
        principal=principal,
        consented=consented,
        own_roles=own_roles,
        role_names=role_names,
        domains=domains,
        plans=plans,
        pass_policy=policy,
        groups=await _groups(directory, profiles, targets),
        accounts=accounts,
        registered=registered,
    )


async def _own(
    directory: "Directory", connection: Connection, app_id: str
) -> "tuple[Fact[OwnPrincipal], Fact[frozenset[str]], Fact[frozenset[str]], Fact[tuple[Registered, ...] | None]]":  # noqa: E501
    """What the tenant knows of this app: what it may, what it is, and its credentials."""
    is_own_app = connection.kind is not ConnectionKind.FEDERATED
    app_id = connection.client_id or app_id
    principal, registered = await together(
        _fact(directory.principals.own(app_id)),
        _fact(directory.principals.registered(app_id)) if is_own_app else _nothing(),
    )
    if isinstance(principal, Unread):
        return principal, principal, principal, registered
    consented, own_roles = await together(
        _fact(directory.principals.consented(principal.id)),
        _fact(directory.access.directory_roles(principal.id)),
    )
    if not isinstance(own_roles, Unread):
        own_roles = frozenset(own_roles.values())
    return principal, consented, own_roles, registered


async def _groups(
    directory: "Directory", profiles: Iterable[Profile], targets: Iterable[str]
) -> "dict[str, Fact[GroupFacts | None]]":
    from curfew.entra.methods import EVERYBODY

    offered = chain.from_iterable(each.groups for each in profiles)
    wanted = list(dict.fromkeys(chain(offered, (each for each in targets if each != EVERYBODY))))
    places = asyncio.Semaphore(_AT_ONCE)

    async def read(group_id: str) -> "Fact[GroupFacts | None]":
        async with places:
            try:
                return await directory.facts.group(group_id)
            except Missing:
                return None
            except CurfewError as error:
                return Unread(error)

    return dict(zip(wanted, await together(*map(read, wanted)), strict=True))


async def _fact[T](reading: Awaitable[T]) -> Fact[T]:
    try:
        return await reading
    except CurfewError as error:
        return Unread(error)


async def _nothing() -> None:
    """What was not asked for."""
