"""Requests, offers and the leases they lead to, as policy looks at them."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from curfew import policy
from curfew.callers import AppRole, Caller
from curfew.ids import new_consent_id, new_grant_id
from curfew.model.approvals import Approval, Person
from curfew.model.approvals import Decision as Word
from curfew.model.grants import GrantRequest, GrantState, Lease, Plan
from curfew.model.profiles import Profile
from curfew.model.tenants import Tenant
from curfew.policy import Decision, Facts, decide

TENANT = "c0000000-0000-4000-a000-000000000001"
ROLE = "5d6b6bb7-de71-4623-b4af-96380a352509"
OTHER_ROLE = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
GROUP = "9c000000-0000-4000-a000-000000000001"
ANN = "aaaaaaaa-0000-4000-8000-00000000000a"
PETRA = "aaaaaaaa-0000-4000-8000-00000000000b"
CLERK = "aaaaaaaa-0000-4000-8000-00000000000c"
HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)

decide_again = partial(policy.decide_again, groups=frozenset(), begins=NOW)
decide_extension = partial(policy.decide_extension, groups=frozenset())


def tenant(**settings: Any) -> Tenant:
    return Tenant.model_validate(
        {"id": TENANT, "display_name": "Contoso", "account_domain": "contoso.com", **settings}
    )


def profile(**settings: Any) -> Profile:
    named = {"tenant": TENANT, "name": "helpdesk", "display_name": "Helpdesk", "roles": [ROLE]}
    return Profile.model_validate({**named, **settings})


def role_profile(**settings: Any) -> Profile:
    return profile(**{"kind": "role", "credential": "none", "subjects": [CLERK], **settings})


def request(**fields: Any) -> GrantRequest:
    return GrantRequest.model_validate({"tenant": TENANT, "profile": "helpdesk", **fields})


def caller(sign_in_name: str = "ann@northwind.example") -> Caller:
    roles = frozenset({AppRole.TECHNICIAN})
    return Caller(id=ANN, name="Ann", sign_in_name=sign_in_name, roles=roles)


def decided(
    asked: GrantRequest | None = None,
    to: Tenant | None = None,
    offer: Profile | None = None,
    *,
    by: Caller | None = None,
    now: datetime = NOW,
    groups: frozenset[str] = frozenset(),
    **facts: Any,
) -> Decision:
    """The decision, by default on what is allowed."""
    return decide(
        asked or request(),
        by or caller(),
        to or tenant(),
        offer or profile(),
        groups=groups,
        facts=Facts(**{"most_live": 20, **facts}),
        now=now,
    )


def fields(decision: Decision) -> list[str]:
    return [refusal.field for refusal in decision.refusals]


def lease(asked: GrantRequest, offer: Profile, to: Tenant, *, approval: Approval | None) -> Lease:
    """What the API writes when a request is allowed, as far as policy looks at it."""
    decision = decided(asked, to, offer)
    plan = Plan(
        grant_id=new_grant_id(TENANT),
        tenant_id=TENANT,
        connection=to.connection,
        technician_id=ANN,
        user_principal_name=decision.user_principal_name,
        display_name="Ann (Curfew)",
        mark="",
        account_id=decision.subject,
        roles=offer.named_roles,
        groups=offer.named_groups,
        role_mode=offer.role_mode,
        ending_mode=offer.ending,
        credential=offer.credential,
        duration=decision.duration,
        provision_by=NOW + HOUR,
        kind=offer.kind,
        justification=asked.justification,
        ticket=asked.ticket,
        approval=approval,
    )
    return Lease(
        plan=plan,
        state=GrantState.SCHEDULED,
        tenant_name="Contoso",
        profile="helpdesk",
        kind=offer.kind,
        technician=Person(id=ANN, name="Ann"),
        approval=approval,
        requested_at=NOW,
        deadline=NOW + HOUR,
    )


def question(needed: int, *words: str) -> Approval:
    """Consent asked of so many, given by these."""
    said = tuple(
        Word(id=new_consent_id(), by=Person(id=who, name=who), at=NOW, approves=True)
        for who in words
    )
    deadline = NOW + HOUR
    return Approval(id=new_consent_id(), needed=needed, deadline=deadline, decisions=said)
