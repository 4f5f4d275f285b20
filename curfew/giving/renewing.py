"""A new credential for an active grant, in the place of the one that was given.

First the lease forgets the old one, under its ETag: from here on nobody can tell which password
holds, and none is handed out. Then the pass and the password are made, each in the vault; the
versions before are disabled; and only then the lease names the new ones. A crash anywhere between
leaves a lease without credentials, and the next run makes others (docs/failures.md, row 22).
"""

from curfew.concurrency import together
from curfew.errors import CurfewError, NoOpenLease, NotYet
from curfew.events import Event, emit
from curfew.giving.equipping import new_pass
from curfew.giving.keeping import with_new_password
from curfew.giving.opening import pass_minutes
from curfew.giving.undoing import take_back_again
from curfew.guards import account_of, leased, replicating
from curfew.ids import new_mark
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import Lease
from curfew.model.handovers import Handover, SecretVersion
from curfew.model.messages import Failure, Renewing
from curfew.model.profiles import CredentialKind
from curfew.services import Services

_TRIES = 3


async def replace_credential(services: Services, renewing: Renewing) -> None:
    """Make a new credential, once for each wish in the lease; another changes nothing.

    Of two runs at once each may have set its password last. The one that finds that the other has
    begun meanwhile begins again, so what the lease names in the end is what was set last.

    Raises:
        NoOpenLease: the grant is not active any more; nothing of this step is left.
        NotYet: another run is at it, or the directory does not know the account everywhere yet.
        Unusable: the tenant has switched passes off.
    """
    run = new_mark()
    try:
        for again in range(_TRIES):
            lease = await _begin(services, renewing, run, again=bool(again))
            if lease.renewing != run:
                await _report(services, lease, renewing)
                return
            handover = await _made(services, lease)
            lease = await _finish(services, renewing, run, handover)
            if lease.handover == handover:
                await _report(services, lease, renewing)
                return
        # The other run may have finished with what this one has since overwritten or disabled:
        # the lease forgets it, and the next run of this step makes another.
        await _begin(services, renewing, run, again=True)
    except CurfewError as error:
        await _leave(services, renewing, run, Failure.of(error))
        raise
    message = "Another run of this step is making the credential."
    raise NotYet(message)


async def _begin(services: Services, renewing: Renewing, run: str, *, again: bool) -> Lease:
    """The lease without credentials, in the hands of this run; untouched if nothing is to do."""

    def begin(lease: Lease) -> Lease:
        wish = lease.renewal(renewing.renewal)
        if wish is None or lease.plan.credential is CredentialKind.NONE:
            return lease
        if wish.settled and not again:
            return lease
        _require_active(services, lease)
        opened = lease.with_renewal(wish.model_copy(update={"done_at": None, "failure": None}))
        return opened.handing_over(Handover()).model_copy(update={"renewing": run})

    with leased():
        return await services.leases.change(renewing.plan.grant_id, begin)


async def _made(services: Services, lease: Lease) -> Handover:
    """New credentials in the directory and the vault, and those before them disabled.

    The pass comes first: where it is refused, the password that the technician may know holds.
    """
    # The lease's plan: a message could name another account.
    plan = lease.plan
    directory = services.directory_of(plan)
    password: SecretVersion | None = None
    temporary_access_pass: SecretVersion | None = None
    if plan.credential.has_pass and lease.expires_at is not None:
        minutes = await pass_minutes(directory, lease.expires_at - services.clock())
        temporary_access_pass = await new_pass(services, plan, minutes)
    if plan.credential.has_password:
        with replicating():
            _, password = await with_new_password(
                services,
                plan,
                lambda value: directory.accounts.set_password(account_of(plan), value),
            )
    kept = {plan.password_secret: password, plan.pass_secret: temporary_access_pass}
    await together(
        *(
            services.vault.retire(name, spare=place.version if place else "")
            for name, place in kept.items()
        )
    )
    return Handover(password=password, temporary_access_pass=temporary_access_pass)


async def _finish(services: Services, renewing: Renewing, run: str, handover: Handover) -> Lease:
    """The lease with the new credentials, if no other run has begun meanwhile."""

    def finish(lease: Lease) -> Lease:
        _require_active(services, lease)
        wish = lease.renewal(renewing.renewal)
        if lease.renewing != run or wish is None:
            return lease
        done = lease.with_renewal(
            wish.model_copy(update={"done_at": services.clock(), "failure": None})
        )
        return done.handing_over(handover).model_copy(update={"renewing": ""})

    with leased():
        return await services.leases.change(renewing.plan.grant_id, finish)


async def _leave(services: Services, renewing: Renewing, run: str, failure: Failure) -> None:
    """After an error: undo it all if the grant is over by now; tell if there will be no other try.

    Raises:
        NoOpenLease: the grant is over, and nothing of this step is left.
    """

    def tell(lease: Lease) -> Lease:
        _require_active(services, lease)
        wish = lease.renewal(renewing.renewal)
        if failure.retryable or lease.renewing != run or wish is None:
            return lease
        return lease.with_renewal(wish.model_copy(update={"failure": failure.detail}))

    try:
        with leased():
            lease = await services.leases.change(renewing.plan.grant_id, tell)
    except NoOpenLease:
        await take_back_again(services, renewing.plan)
        raise
    await _report(services, lease, renewing)


async def _report(services: Services, lease: Lease, renewing: Renewing) -> None:
    """Put on record what became of a wish. What is there already changes nothing."""
    wish = lease.renewal(renewing.renewal)
    if wish is None or not wish.settled:
        return
    plan = lease.plan
    emit(
        Event.CREDENTIAL_RENEWED if wish.done_at else Event.CREDENTIAL_RENEWAL_FAILED,
        grant=plan.grant_id,
        tenant=plan.tenant_id,
        actor=wish.by.id,
    )
    entry = AuditEntry.of_grant(
        lease,
        Action.CREDENTIAL_RENEWED if wish.done_at else Action.CREDENTIAL_RENEWAL_FAILED,
        mark=wish.id,
        actor=wish.by,
        reason=wish.failure,
    )
    await services.audit.note(entry)


def _require_active(services: Services, lease: Lease) -> None:
    if not lease.is_usable(services.clock()):
        message = "The grant is not active any more."
        raise NoOpenLease(message)
