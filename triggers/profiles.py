"""Access profiles over HTTP, checked against the directory itself."""

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

import azure.durable_functions as df

from curfew.concurrency import settled
from curfew.errors import (
    AlreadyExists,
    Changed,
    Conflict,
    Denied,
    FieldProblem,
    Missing,
    NotFound,
    Refused,
)
from curfew.guards import require_known_to_stay, require_not_leaving
from curfew.model.audit import Action
from curfew.model.profiles import Profile, ProfileSettings, ProfileView
from curfew.model.tenants import Tenant
from curfew.offers import never_allowed
from triggers.edge import Call, Reply, serve
from triggers.settings import (
    changed,
    not_let_in,
    on_record,
    profile_name_of,
    replaced,
    require_match,
    tenant_id_of,
    tenant_of,
    written,
)
from triggers.sharing import offered

if TYPE_CHECKING:
    from curfew.entra.facts import GroupFacts

blueprint = df.Blueprint()


async def read_profile(call: Call) -> Reply:
    """A profile that the caller may see; others do not exist for him."""
    profile = await _profile(call)
    if not await offered(call, [profile]):
        raise _no_such_profile()
    return Reply(ProfileView.of(profile), headers={"ETag": profile.etag})


async def write_profile(call: Call) -> Reply:
    """Create a profile, or change the version named in `If-Match`.

    Its roles must be role definitions of the tenant's directory, its groups such as somebody can
    be put into; the directory also gives their names.

    A tenant that leaves is offered nothing: one that overtakes the leaving is withdrawn again, or
    it would be there for whoever takes the customer in anew.
    """
    settings: ProfileSettings = call.body
    tenant = await tenant_of(call)
    require_not_leaving(tenant)
    name = profile_name_of(call)
    before = await replaced(call, call.services.tenants.profile(tenant.id, name))
    roles, groups = await _names(call, tenant, settings)
    profile = Profile(
        tenant=tenant.id,
        name=name,
        role_names=roles,
        group_names=groups,
        etag=before.etag if before else "",
        **dict(settings),
    )
    action = Action.PROFILE_CHANGED if before else Action.PROFILE_CREATED
    await on_record(call, action, name, before=before, after=profile)
    try:
        kept = await call.services.tenants.put_profile(profile)
    except (AlreadyExists, Changed, Missing) as error:
        raise changed() from error
    try:
        await require_known_to_stay(call.services, tenant.id)
    except Conflict:
        with suppress(Changed):
            await call.services.tenants.delete_profile(kept)
        raise
    return written(ProfileView.of(kept), kept.etag, created=before is None)


async def delete_profile(call: Call) -> Reply:
    """Forget a profile. Live grants keep what they were given until their own end."""
    profile = await _profile(call)
    require_match(call, profile.etag)
    await on_record(call, Action.PROFILE_DELETED, profile.name, before=profile)
    try:
        await call.services.tenants.delete_profile(profile)
    except Changed as error:
        raise changed() from error
    return Reply(status=HTTPStatus.NO_CONTENT)


for _handler in (read_profile, write_profile, delete_profile):
    serve(blueprint, _handler)


async def _profile(call: Call) -> Profile:
    tenant_id, name = tenant_id_of(call), profile_name_of(call)
    try:
        return await call.services.tenants.profile(tenant_id, name)
    except Missing as error:
        raise _no_such_profile() from error


def _no_such_profile() -> NotFound:
    message = "There is no such profile."
    return NotFound(message)


async def _names(
    call: Call, tenant: Tenant, settings: ProfileSettings
) -> tuple[dict[str, str], dict[str, str]]:
    """The names of the roles and of the groups, as the directory gives them.

    Raises:
        Refused: the directory has no such role or group, or none that Curfew can give; with every
            reason at once.
    """
    directory = call.services.directory(tenant.id, tenant.connection)
    try:
        roles = await directory.facts.role_names()
        read = await settled(*(directory.facts.group(group) for group in settings.groups))
        groups = dict(zip(settings.groups, read, strict=True))
        for found in read:
            if isinstance(found, BaseException) and not isinstance(found, Missing):
                raise found
    except (Denied, Missing) as error:
        raise not_let_in(error) from error
    problems = [
        FieldProblem(f"roles.{index}", "The directory has no such role.")
        for index, role in enumerate(settings.roles)
        if role not in roles
    ]
    problems += [
        FieldProblem(f"groups.{index}", reason)
        for index, group in enumerate(settings.groups)
        if (reason := _why_not(groups[group]))
    ]
    problems += never_allowed(settings, tenant)
    if problems:
        raise Refused(tuple(problems))
    return {role: roles[role] for role in settings.roles}, {
        group: groups[group].name for group in settings.groups
    }


def _why_not(group: "GroupFacts | BaseException") -> str | None:
    """Why nobody can be put into a group; None when somebody can."""
    if isinstance(group, BaseException):
        return "The directory has no such group."
    if group.dynamic:
        return "Membership of this group is a rule of the directory."
    if group.synced:
        return "This group is synchronised from an on-premises directory."
    return None
