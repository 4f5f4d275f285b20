"""The answer to a consent address. Anybody can send one: nothing is believed but our own state.

In this order: the state's signature, its end, the tenant, and only then the ledger. What is
forged, late or meant for another tenant changes nothing and costs no call to the ledger.
"""

from enum import StrEnum

from curfew.errors import Changed, LapsedState, Missing, NotFound, UntrustedState
from curfew.events import Event, emit
from curfew.model.audit import Action, AuditEntry
from curfew.model.onboarding import Invitation, InvitationState, RefusalCode, refusal_of
from curfew.onboarding.state import Claims
from curfew.services import Services

_CONSENTED = "true"


class Outcome(StrEnum):
    """What an answer came to."""

    CONSENTED = "consented"
    REFUSED = "refused"
    INCOMPLETE = "incomplete"
    FORGED = "forged"
    LAPSED = "lapsed"
    OTHER_TENANT = "other-tenant"
    USED = "used"
    UNKNOWN = "unknown"


async def accept(
    services: Services, *, state: str, tenant: str, consented: str, error: str
) -> tuple[Outcome, RefusalCode | None]:
    """Take an answer, and say what it came to and why consent was refused.

    `tenant` may be absent from a refusal, never from a consent.
    """
    try:
        claims = await services.states.read(state)
    except LapsedState:
        return _told(Outcome.LAPSED), None
    except UntrustedState:
        return _told(Outcome.FORGED), None
    is_refusal = bool(error)
    if tenant.lower() != claims.tenant and (tenant or not is_refusal):
        return _told(Outcome.OTHER_TENANT, claims), None
    if not is_refusal and consented.lower() != _CONSENTED:
        return _told(Outcome.INCOMPLETE, claims), None
    refusal = refusal_of(error) if is_refusal else None
    try:
        invitation = await services.invitations.get(claims.invitation)
    except (Missing, NotFound):
        return _told(Outcome.UNKNOWN, claims), None
    if invitation.tenant != claims.tenant:
        return _told(Outcome.OTHER_TENANT, claims), None
    return _told(await _answer(services, invitation, refusal), claims), refusal


async def _answer(
    services: Services, invitation: Invitation, refusal: RefusalCode | None
) -> Outcome:
    """Write the answer down, once: on the audit trail, then into the invitation as it was read."""
    now = services.clock()
    if invitation.state(now) is not InvitationState.WAITING:
        return Outcome.USED
    action = Action.TENANT_CONSENT_REFUSED if refusal else Action.TENANT_CONSENTED
    entry = AuditEntry(
        key=f"{invitation.id}:{action}",
        tenant=invitation.tenant,
        action=action,
        target=invitation.display_name,
        reason=refusal.value if refusal else None,
    )
    await services.audit.append(entry)
    answered = invitation.model_copy(update={"answered_at": now, "refusal": refusal})
    try:
        await services.invitations.answer(answered)
    except (Changed, Missing):
        return Outcome.USED
    return Outcome.REFUSED if refusal else Outcome.CONSENTED


def _told(outcome: Outcome, claims: Claims | None = None) -> Outcome:
    emit(
        Event.CONSENT_ANSWERED,
        outcome=outcome.value,
        tenant=claims.tenant if claims else None,
        invitation=claims.invitation if claims else None,
    )
    return outcome
