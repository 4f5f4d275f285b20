"""Asking a customer's administrators for consent: the address that they are sent."""

from datetime import timedelta
from urllib.parse import urlencode

from curfew.errors import Conflict, FieldProblem, Refused
from curfew.events import Event, emit
from curfew.ids import new_invitation_id
from curfew.model.approvals import Person
from curfew.model.audit import Action, AuditEntry
from curfew.model.onboarding import Invitation, OnboardingRequest
from curfew.model.tenants import ConnectionKind
from curfew.services import Services

GOOD_FOR = timedelta(hours=1)


async def invite(services: Services, request: OnboardingRequest, by: Person) -> Invitation:
    """Keep a new invitation, on the audit trail first.

    Raises:
        Refused: the tenant is in another cloud than this deployment, or the connection is none
            that could ever work.
        Conflict: the deployment does not know where the answer is to be sent.
    """
    cloud = services.settings.cloud.name
    if request.cloud not in {None, cloud}:
        reason = f"This deployment serves {cloud} only."
        raise Refused((FieldProblem("cloud", reason),))
    theirs = request.connection.client_id not in {None, services.settings.app_id}
    own_app = theirs and request.connection.kind is not ConnectionKind.FEDERATED
    if theirs and not own_app:
        reason = (
            "A managed identity speaks for the deployment's own app only: leave clientId out, or "
            "connect with a certificate or a secret of that app registration."
        )
        raise Refused((FieldProblem("connection.clientId", reason),))
    if not own_app and not services.settings.address:
        message = "This deployment does not know its own address: set CURFEW_ADDRESS."
        raise Conflict(message)
    now = services.clock()
    invitation = Invitation(
        id=new_invitation_id(request.tenant),
        tenant=request.tenant,
        display_name=request.display_name,
        account_domain=request.account_domain,
        connection=request.connection,
        own_app=own_app,
        asked_by=by,
        asked_at=now,
        expires_at=now + GOOD_FOR,
    )
    entry = AuditEntry(
        key=f"{invitation.id}:{Action.TENANT_INVITED}",
        tenant=request.tenant,
        action=Action.TENANT_INVITED,
        target=request.display_name,
        actor=by,
        after=request.to_json(),
    )
    await services.audit.append(entry)
    await services.invitations.create(invitation)
    emit(Event.TENANT_INVITED, tenant=invitation.tenant, invitation=invitation.id, actor=by.id)
    return invitation


async def consent_address(services: Services, invitation: Invitation) -> str:
    """Where a customer's administrator consents; it leads to no other tenant than this one."""
    settings = services.settings
    query = {
        "client_id": settings.app_id,
        "scope": settings.cloud.graph_scope,
        "redirect_uri": f"{settings.address}/api/onboarding/answer",
        "state": await services.states.sign(invitation),
    }
    authority = f"{settings.cloud.authority}/{invitation.tenant}"
    return f"{authority}/v2.0/adminconsent?{urlencode(query)}"
