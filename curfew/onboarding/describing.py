"""How far an onboarding is: what was answered, and what the directory says at this moment."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from curfew.concurrency import together
from curfew.entra.directory import Directory
from curfew.errors import Denied, Missing
from curfew.model.onboarding import MEANINGS, Invitation, OnboardingView
from curfew.model.tenants import (
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    ConnectionKind,
)
from curfew.onboarding.commands import role_command
from curfew.services import Services
from curfew.settings import Settings

_ENOUGH = {PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR}


@dataclass(frozen=True, slots=True)
class _Found:
    """What the directory let us see."""

    let_in: bool
    obstacle: str | None = None
    principal_id: str | None = None
    role_held: bool | None = None
    domain: str | None = None


async def describe(services: Services, invitation: Invitation) -> OnboardingView:
    """An onboarding as it stands. It is read from the directory anew each time."""
    settings = services.settings
    found = await _look(services, invitation)
    command = None
    if found.principal_id is not None:
        command = role_command(settings.cloud, invitation.tenant, found.principal_id)
    return OnboardingView(
        id=invitation.id,
        tenant=invitation.tenant,
        display_name=invitation.display_name,
        connection=invitation.connection,
        state=invitation.state(services.clock()),
        expires_at=invitation.expires_at,
        instructions=instructions(settings, invitation) if invitation.own_app else (),
        refusal=invitation.refusal,
        meaning=MEANINGS[invitation.refusal] if invitation.refusal else None,
        let_in=found.let_in,
        obstacle=found.obstacle,
        account_domain=invitation.account_domain or found.domain,
        principal_id=found.principal_id,
        role_held=found.role_held,
        role_command=command,
    )


def instructions(settings: Settings, invitation: Invitation) -> tuple[str, ...]:
    """What a customer does to let Curfew in through an app registration of his own."""
    connection = invitation.connection
    vault = urlsplit(settings.vault_url).hostname
    kind = "certificate" if connection.kind is ConnectionKind.CERTIFICATE else "client secret"
    return (
        (
            f"Open {settings.cloud.portal}, Microsoft Entra ID, App registrations, and there the "
            f"registration with the client id {connection.client_id}."
        ),
        (
            "Under API permissions add the application permissions of Microsoft Graph that the "
            "profiles of this tenant need; the check names every one that is missing."
        ),
        (
            'Press "Grant admin consent". It takes a Global Administrator or a Privileged Role '
            "Administrator."
        ),
        (
            f"Make a {kind} for the registration and hand it over through Key Vault only, never by "
            f"mail or ticket: it belongs into the vault {vault} as the secret "
            f"{connection.secret_name}."
        ),
    )


async def _look(services: Services, invitation: Invitation) -> _Found:
    directory = services.directory(invitation.tenant, invitation.connection)
    app_id = invitation.connection.client_id or services.settings.app_id
    try:
        own = await directory.principals.own(app_id)
    except (Denied, Missing) as error:
        return _not_found(error)
    role_held, domain = await together(_role_held(directory, own.id), _initial_domain(directory))
    return _Found(
        let_in=True,
        principal_id=own.id,
        role_held=role_held,
        domain=domain,
    )


def _not_found(error: Denied | Missing) -> _Found:
    from curfew.credentials import UNUSABLE_SECRET

    said = f"{error.status} {error.service_code}".strip()
    if error.service == "directory" and isinstance(error, Denied):
        obstacle = f"Curfew may not read its own service principal there ({said})."
        return _Found(let_in=True, obstacle=obstacle)
    if error.service == "vault" or error.service_code == UNUSABLE_SECRET:
        obstacle = "The vault has no such secret that Curfew can read and use."
        return _Found(let_in=False, obstacle=obstacle)
    return _Found(let_in=False, obstacle=f"The tenant does not let Curfew in ({said}).")


async def _role_held(directory: Directory, principal_id: str) -> bool | None:
    try:
        roles = await directory.access.directory_roles(principal_id)
    except (Denied, Missing):
        return None
    return not _ENOUGH.isdisjoint(roles.values())


async def _initial_domain(directory: Directory) -> str | None:
    try:
        domains = await directory.facts.domains()
    except (Denied, Missing):
        return None
    return next((domain.name for domain in domains.values() if domain.initial), None)
