"""The decision on a request, from everything that is read for it; the same for a dry run."""

from dataclasses import dataclass, replace

from curfew.concurrency import together
from curfew.errors import Conflict, Denied, Missing, Refused
from curfew.ids import new_mark
from curfew.model.decisions import ConsentView, DecisionView, Reason
from curfew.model.grants import GrantRequest
from curfew.model.profiles import Group, Profile, Role
from curfew.model.tenants import Tenant
from curfew.policy import Decision, Facts, account_name, decide
from triggers.edge import Call
from triggers.sharing import address


@dataclass(frozen=True, slots=True)
class Named:
    """What is asked for by the names that the directory gives, so that nobody consents to a label.

    `subject` and `user_principal_name` are those of a role grant's user, and empty otherwise.
    """

    tenant: str
    roles: tuple[Role, ...]
    groups: tuple[Group, ...]
    subject: str = ""
    user_principal_name: str = ""


@dataclass(frozen=True, slots=True)
class Considered:
    """A decision, with what was read for it that the grant goes on with.

    Attributes:
        account_id: The account as recorded; of a role grant the user.
        mark: What the account bears, or will bear; empty for a role grant.
        named: The names that approvers see; None where nobody is asked.
    """

    tenant: Tenant
    profile: Profile
    decision: Decision
    account_id: str | None
    mark: str
    named: Named | None

    def require(self) -> None:
        """Go on only if it is allowed.

        Raises:
            Refused: it is not, with every reason.
            Conflict: another grant or another's account is all that stands in its way.
        """
        decision = self.decision
        if decision.refusals:
            raise Refused(decision.reasons)
        if decision.conflicts:
            link = address(decision.holder) if decision.holder else None
            raise Conflict(" ".join(each.detail for each in decision.conflicts), link=link)

    def view(self) -> DecisionView:
        """The answer to a dry run."""
        decision, consent = self.decision, self.decision.consent
        return DecisionView(
            allowed=decision.allowed,
            reasons=tuple(
                Reason(field=each.field, detail=each.detail) for each in decision.reasons
            ),
            blocked_by=address(decision.holder) if decision.holder else None,
            tenant=self.tenant.id,
            tenant_name=self.named.tenant if self.named else self.tenant.display_name,
            profile=self.profile.name,
            kind=self.profile.kind,
            approval=ConsentView(
                needed=consent.needed, approvers=consent.approvers, deadline=consent.deadline
            )
            if consent
            else None,
            duration=decision.duration,
            starts_at=decision.starts_at,
            expires_at=decision.expires_at,
            account=decision.user_principal_name,
            subject=decision.subject,
            roles=decision.roles,
            groups=decision.groups,
            credential=decision.credential,
        )


async def consider(
    call: Call, tenant: Tenant, profile: Profile, *, groups: frozenset[str], key_used: bool
) -> Considered:
    """Read what a decision needs, decide, and write nothing.

    The customer's directory is asked only where approvers will be, and only when nothing else
    stands against the request.

    Raises:
        ServiceError: something cannot be read, so nothing can be decided.
    """
    request: GrantRequest = call.body
    now = call.services.clock()
    facts, account_id, mark = await _facts(call, tenant, profile)
    facts = replace(facts, key_used=key_used)

    def decided(facts: Facts) -> Decision:
        return decide(request, call.caller, tenant, profile, groups=groups, facts=facts, now=now)

    decision, named = decided(facts), None
    if decision.allowed and decision.consent:
        named = await _named(call, tenant, decision)
        if named is None:
            decision = decided(replace(facts, shown=False))
        else:
            decision = replace(decision, roles=named.roles, groups=named.groups)
    return Considered(tenant, profile, decision, account_id or decision.subject, mark, named)


async def _facts(call: Call, tenant: Tenant, profile: Profile) -> tuple[Facts, str | None, str]:
    services, most = call.services, call.services.settings.max_live_grants
    name = account_name(call.caller, tenant, profile)
    if name is None:
        standing = await services.leases.live_of(call.caller.id)
        return Facts(most, len(standing)), None, ""
    standing, account, holder = await together(
        services.leases.live_of(call.caller.id),
        services.accounts.find(tenant.id, name),
        services.leases.holder(tenant.id, name),
    )
    if account is None:
        # Nothing is on record before the account is made, and its first grant may be another's.
        owner = await _technician_of(call, holder) if holder else None
        return Facts(most, len(standing), owner=owner, holder=holder), None, new_mark()
    facts = Facts(most, len(standing), owner=account.technician_id, holder=holder)
    return facts, account.account_id, account.mark or new_mark()


async def _technician_of(call: Call, grant_id: str) -> str | None:
    try:
        return (await call.services.leases.find(grant_id)).technician.id
    except Missing:
        return None


async def _named(call: Call, tenant: Tenant, decision: Decision) -> Named | None:
    """What approvers see; None where the directory does not know it, or does not let Curfew in."""
    directory = call.services.directory(tenant.id, tenant.connection)
    try:
        organization, role_names, groups = await together(
            directory.facts.organization_name(),
            directory.facts.role_names(),
            directory.facts.groups([group.id for group in decision.groups]),
        )
        named = Named(
            tenant=organization,
            roles=tuple(Role(id=role.id, name=role_names[role.id]) for role in decision.roles),
            groups=tuple(Group(id=each.id, name=groups[each.id].name) for each in decision.groups),
        )
        if decision.subject is None:
            return named
        user = await directory.accounts.get(decision.subject)
    except (Missing, Denied, KeyError):
        return None
    return replace(named, subject=user.display_name, user_principal_name=user.user_principal_name)
