"""The sweep: ends every grant whose time is up, from the ledger alone (rule 6).

It reads leases and asks no workflow: those may be dead, stuck or purged. What it does not see
through stays a lease, and comes again with the next sweep; killed half-way it has left nothing
that the next one does not find. Nothing is ever ended because something could not be read.

Calls: one query over the leases and one over the tenants that leave, whatever the number of
tenants and of grants that are over; for each overdue lease one reading and one pass of
`curfew.net.taking_back`, which are as many calls for the last lease as for the first.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic

from pydantic import ValidationError

from curfew.entra.pace import Purpose
from curfew.errors import CurfewError, Missing, ServiceError, Throttled, Unreadable
from curfew.events import Event, emit, report, report_rows
from curfew.giving.admitting import close_unopened
from curfew.ids import tenant_of
from curfew.ledger.reading import readable
from curfew.model.audit import Action, AuditEntry
from curfew.model.grants import EndReason, GrantState, Lease, Plan
from curfew.model.messages import Ending, EndingNotice, EndOrder
from curfew.model.sweeps import (
    CURFEW,
    FRESH,
    SweepReport,
    Swept,
    SweptGrant,
    TenantFailure,
)
from curfew.model.tenants import Tenant
from curfew.net.leaving import leave
from curfew.net.rounds import Cut, Limits, by_lot, in_every_tenant, one_by_one
from curfew.net.taking_back import LEAVING, Result, ending_of, take_back
from curfew.services import Services

type Tell = Callable[[Plan, EndOrder], Awaitable[None]]
"""Tells the workflow of a grant to end, if it runs.

Raises:
    Missing: it does not.
"""

OVERDUE = "Its time was up, and no workflow had ended it."

_YOUNG = timedelta(minutes=30)
"""For how long after its deadline a lease comes before those that sweeps did not see through."""


async def sweep(services: Services, tell: Tell, limits: Limits | None = None) -> SweepReport:
    """End what is overdue, then forget the tenants that have been off-boarded.

    Whatever it raises it has reported.

    Raises:
        ServiceError: the ledger cannot be read. Nothing was ended.
    """
    try:
        sweeping = _Sweep(services, tell, limits or Limits())
        await sweeping.find()
        await sweeping.end()
        await sweeping.let_go()
        done = sweeping.summary()
    except Exception as error:
        report(Event.SWEEP_FAILED, error)
        raise
    emit(
        Event.SWEEP_DONE,
        tenants=done.tenants,
        overdue=done.overdue,
        ended=done.ended,
        failed=done.failed,
        partial=done.partial,
        seconds=done.seconds,
    )
    return done


def is_due(lease: Lease, now: datetime) -> bool:
    """Whether a lease is the sweep's by now.

    Where nobody can have access yet, the workflow gets a while longer. A grant whose expiry is
    armed may be in use, whatever else its lease says: there is no while longer for it.
    """
    is_fresh = lease.state.unopened or (
        lease.state is GrantState.PROVISIONING and lease.expires_at is None
    )
    # What is added to a deadline of the year 9999 is no moment any more.
    return now - (FRESH if is_fresh else timedelta(0)) >= lease.deadline


class _Sweep:
    """One sweep: what is due, by tenant, and what became of it."""

    def __init__(self, services: Services, tell: Tell, limits: Limits) -> None:
        self._services = services
        self._tell = tell
        self._limits = limits
        self._at = services.clock()
        self._began = monotonic()
        self._due: dict[str, list[Lease]] = {}
        self._leaving: dict[str, Tenant] = {}
        self._swept: dict[str, SweptGrant | None] = {}
        self._failures: list[TenantFailure] = []
        self._left: list[str] = []
        self._partial = False

    async def find(self) -> None:
        """Find every grant that is due, and every tenant that leaves."""
        overdue, spoiled = await readable(self._services.leases.overdue(self._at))
        self._note_leases(spoiled)
        for lease in overdue:
            if is_due(lease, self._at):
                self._due.setdefault(lease.plan.tenant_id, []).append(lease)
        try:
            leaving, spoiled = await readable(self._services.tenants.leaving())
        except Exception as error:  # noqa: BLE001 - what is overdue is known, and ends
            self._partial = True
            report(Event.SWEEP_FAILED, error)
            return
        self._note_tenants(spoiled)
        self._leaving = {tenant.id: tenant for tenant in leaving}
        for tenant in leaving:
            try:
                await self._find_remaining(tenant)
            except Exception as error:  # noqa: BLE001 - one tenant's trouble is nobody else's
                code = error.code if isinstance(error, CurfewError) else type(error).__qualname__
                self._note_cuts([Cut(tenant.id, code, error)])

    async def _find_remaining(self, tenant: Tenant) -> None:
        """The grants of a leaving tenant were told to end; after a while they are overdue."""
        if tenant.leaving_since is None or self._at - FRESH < tenant.leaving_since:
            return
        live, spoiled = await readable(self._services.leases.live(tenant.id))
        self._note_leases(spoiled)
        due = self._due.setdefault(tenant.id, [])
        known = {lease.plan.grant_id for lease in due}
        due += [lease for lease in live if lease.plan.grant_id not in known]

    async def end(self) -> None:
        """End what is due: what is due for the first time, then what was tried already.

        Each by lot, tenants as well as the leases of one: what hangs starves nobody for ever.
        """
        for tenant, leases in self._due.items():
            self._due[tenant] = by_lot(leases, self._is_young)

        def is_young(tenant: str) -> bool:
            return self._is_young(self._due[tenant][0])

        tenants = by_lot(filter(self._due.get, self._due), is_young)
        self._note_cuts(await in_every_tenant(tenants, self._end_in, self._limits))

    def _is_young(self, lease: Lease) -> bool:
        """Whether sweeps can hardly have tried it yet.

        A lease of a leaving tenant whose deadline is still to come is not: it would stay so.
        """
        return not lease.stuck and timedelta(0) <= self._at - lease.deadline <= _YOUNG

    async def let_go(self) -> None:
        """Forget the leaving tenants that have no live grant any more, with their profiles."""
        remaining = max(self._limits.run - (monotonic() - self._began), 0.0)
        limits = replace(self._limits, run=remaining)
        self._note_cuts(await in_every_tenant(self._leaving, self._let_go, limits))

    def summary(self) -> SweepReport:
        """What came of it."""
        due = {lease.plan.grant_id: lease for leases in self._due.values() for lease in leases}
        for grant_id in due.keys() - self._swept.keys():
            self._partial = True
            self._note(grant_id, Swept.UNREACHED)
        grants = tuple(swept for swept in self._swept.values() if swept is not None)
        return SweepReport(
            at=self._at,
            seconds=round(monotonic() - self._began, 3),
            tenants=len({swept.tenant for swept in grants}),
            overdue=len(grants),
            ended=sum(swept.result.over for swept in grants),
            failed=sum(swept.result is Swept.FAILED for swept in grants),
            partial=self._partial,
            grants=grants,
            failures=tuple(self._failures),
            left=tuple(self._left),
        )

    def _note(
        self,
        grant_id: str,
        result: Swept,
        *,
        reason: EndReason | None = None,
        detail: str | None = None,
    ) -> None:
        self._swept[grant_id] = SweptGrant(
            grant=grant_id,
            tenant=tenant_of(grant_id),
            result=result,
            reason=reason,
            detail=detail,
        )

    def _note_leases(self, spoiled: Unreadable | None) -> None:
        for tenant, grant_id in self._reported(spoiled):
            about = {"grant": grant_id, "tenant": tenant, "result": Swept.FAILED}
            # A key that is no grant's stands in the log only.
            with suppress(ValidationError):
                self._swept[grant_id] = SweptGrant(detail="Its lease cannot be read.", **about)

    def _note_tenants(self, spoiled: Unreadable | None) -> None:
        for tenant, _ in self._reported(spoiled):
            with suppress(ValidationError):
                self._failures.append(TenantFailure(tenant=tenant, reason=Unreadable.code))

    def _reported(self, spoiled: Unreadable | None) -> tuple[tuple[str, str], ...]:
        """The keys of what cannot be read, reported: the sweep goes on without it."""
        if spoiled is None:
            return ()
        self._partial = True
        report(Event.SWEEP_FAILED, spoiled)
        report_rows(spoiled)
        return spoiled.rows

    def _note_cuts(self, cuts: list[Cut]) -> None:
        for cut in cuts:
            self._partial = True
            self._failures.append(TenantFailure(tenant=cut.tenant, reason=cut.reason))
            if cut.error is not None:
                report(Event.SWEEP_FAILED, cut.error, tenant=cut.tenant)
            else:
                emit(Event.SWEEP_FAILED, level=logging.WARNING, tenant=cut.tenant, error=cut.reason)

    async def _end_in(self, tenant_id: str) -> None:
        await one_by_one(self._due[tenant_id], self._end, self._limits)

    async def _end(self, lease: Lease) -> None:
        """End one grant, unless its workflow was quicker."""
        grant_id, tenant_id = lease.plan.grant_id, lease.plan.tenant_id
        pace = self._services.pace(tenant_id)
        if rest := pace.rest(Purpose.ENDING):
            # Refused now it would come again with the next sweep only, perhaps into a silence too.
            await self._services.pause(rest)
        try:
            with pace.turn("sweep", Purpose.ENDING):
                result, reason = await self._end_now(grant_id)
        except Throttled:
            raise
        except Exception as error:  # noqa: BLE001 - one grant's defect is not the next one's
            report(Event.SWEEP_FAILED, error, tenant=tenant_id, grant=grant_id)
            detail = error.detail if isinstance(error, CurfewError) else type(error).__qualname__
            self._note(grant_id, Swept.FAILED, detail=detail)
            return
        if result is None:
            self._swept[grant_id] = None
            return
        self._note(grant_id, result.swept, reason=reason, detail=result.detail)
        emit(
            Event.GRANT_SWEPT,
            level=logging.INFO if result.swept.over else logging.WARNING,
            grant=grant_id,
            tenant=tenant_id,
            result=result.swept,
            reason=reason,
            late=round((self._services.clock() - lease.deadline).total_seconds()),
            detail=result.detail,
        )
        if result.failure is not None:
            raise result.failure

    async def _end_now(self, grant_id: str) -> tuple[Result | None, EndReason | None]:
        """End a grant as its lease is by now; None where it is over or its time was moved."""
        services = self._services
        try:
            lease = await services.leases.get(grant_id)
        except Missing:
            return None, None
        leaves = lease.plan.tenant_id in self._leaving
        if not (is_due(lease, services.clock()) or leaves):
            return None, None
        ending = ending_of(lease, LEAVING if leaves else OVERDUE)
        if lease.state.unopened or lease.state.over:
            await close_unopened(services, EndingNotice(plan=lease.plan, ending=ending))
            result = Result(Swept.CLOSED)
        else:
            result = await take_back(services, lease, ending)
        if lease.state is not GrantState.ENDING:
            await self._tell_workflow(lease.plan, ending)
        if result.swept.over:
            entry = AuditEntry.of_grant(lease, Action.SWEEP_ENDED, reason=ending.reason)
            await services.audit.note(entry)
        return result, ending.reason

    async def _tell_workflow(self, plan: Plan, ending: Ending) -> None:
        """Tell a living workflow what it missed: it finds the grant over, or goes on ending it."""
        order = EndOrder(reason=ending.reason, by=ending.by or CURFEW, remark=ending.remark)
        try:
            with suppress(Missing):
                await self._tell(plan, order)
        except ServiceError as error:
            about = {"grant": plan.grant_id, "tenant": plan.tenant_id}
            report(Event.STEP_FAILED, error, step="tell_workflow", **about)

    async def _let_go(self, tenant_id: str) -> None:
        if await leave(self._services, self._leaving[tenant_id]):
            self._left.append(tenant_id)
