"""The watch: looks into every directory for accounts of Curfew's that no grant accounts for.

An account on record without a live grant should be asleep, bare and as its last ending left it.
One that is not is reported the first time, and taken back when it is still so at a later look:
by an ending that stands in the ledger like every other, so that the sweep sees it through. An
account that an administrator has adopted is left alone; so is every account that Curfew never
made, whatever it is called (rule 8), and one that is synchronised or an emergency account.

What cannot be read is reported, and no reason for anything. The watch works at the pace of
giving, so that it is in no ending's way.

Calls: in each tenant two queries of the ledger and one list of accounts (one more for every 999);
for each account on record without a live grant four readings of the directory, five where the
list does not show it. For one that is suspicious two readings and a write of the ledger more.
"""

import random
from collections import Counter
from logging import WARNING
from time import monotonic

from curfew.audit import anchor
from curfew.entra.accounts import Account
from curfew.entra.directory import Directory
from curfew.entra.pace import Purpose
from curfew.errors import Throttled
from curfew.events import Event, emit, report, report_rows
from curfew.ledger import AccountRecord
from curfew.ledger.reading import readable
from curfew.model.messages import CREATION_SETTLES
from curfew.model.sweeps import (
    Noticed,
    TenantFailure,
    WatchedAccount,
    WatchReport,
)
from curfew.model.tenants import Tenant
from curfew.net.judging import judge
from curfew.net.rounds import Cut, Limits, in_every_tenant, one_by_one
from curfew.net.suspicion import facts_of, held_by
from curfew.services import Services

_LIMITS = Limits(within=2)


async def watch(services: Services, limits: Limits = _LIMITS) -> WatchReport:
    """Look into every tenant, warn or take back, and report the heads of the audit trail.

    Whatever it raises it has reported.

    Raises:
        ServiceError: the settings cannot be read. Nothing was done.
    """
    try:
        watching = _Watch(services, limits)
        await watching.look_everywhere()
        done = watching.summary()
    except Exception as error:
        report(Event.WATCH_FAILED, error)
        raise
    try:
        await anchor(services)
    except Exception as error:  # noqa: BLE001 - what was seen is told all the same
        report(Event.WATCH_FAILED, error)
    counts = Counter(each.result.value for each in done.noticed)
    emit(
        Event.WATCH_DONE,
        tenants=done.tenants,
        accounts=done.accounts,
        partial=done.partial,
        seconds=done.seconds,
        **{kind.value: counts[kind.value] for kind in Noticed},
    )
    return done


class _Watch:
    """One look into the directories, and what came of it."""

    def __init__(self, services: Services, limits: Limits) -> None:
        self._services = services
        self._limits = limits
        self._at = services.clock()
        self._began = monotonic()
        self._tenants: dict[str, Tenant] = {}
        self._accounts = 0
        self._noticed: list[WatchedAccount] = []
        self._cuts: list[Cut] = []

    async def look_everywhere(self) -> None:
        """Look into every tenant, in another order each time.

        So a look that is cut short costs all tenants alike.
        """
        tenants, spoiled = await readable(self._services.tenants.all())
        self._tenants = {tenant.id: tenant for tenant in tenants}
        order = random.sample(list(self._tenants), len(self._tenants))
        self._cuts = await in_every_tenant(order, self._look_into, self._limits)
        if spoiled is not None:
            report_rows(spoiled)
            self._cuts += [Cut(tenant, spoiled.code, spoiled) for tenant, _ in spoiled.rows]
        for cut in self._cuts:
            if cut.error is not None:
                report(Event.WATCH_FAILED, cut.error, tenant=cut.tenant)
            else:
                emit(Event.WATCH_FAILED, level=WARNING, tenant=cut.tenant, error=cut.reason)

    def summary(self) -> WatchReport:
        """What came of it."""
        unreadable = any(each.result is Noticed.UNREADABLE for each in self._noticed)
        return WatchReport(
            at=self._at,
            seconds=round(monotonic() - self._began, 3),
            tenants=len(self._tenants),
            accounts=self._accounts,
            partial=bool(self._cuts) or unreadable,
            noticed=tuple(self._noticed),
            failures=tuple(TenantFailure(tenant=c.tenant, reason=c.reason) for c in self._cuts),
        )

    async def _look_into(self, tenant_id: str) -> None:
        """Look into one tenant.

        The accounts are listed first: whichever is in the list has its record by the time that
        the records are read, and its lease by the time that the leases are. What is known while a
        row cannot be read is looked at; then the tenant has not been seen whole.

        Raises:
            Unreadable: a record or a lease cannot be read.
        """
        tenant = self._tenants[tenant_id]
        services = self._services
        with services.pace(tenant_id).turn("watch", Purpose.GIVING):
            listed = await self._directory(tenant).accounts.managed(tenant.account_prefix)
        records, spoiled = await readable(services.accounts.of_tenant(tenant_id))
        leases, lost = await readable(services.leases.live(tenant_id))
        claimed = {lease.plan.user_principal_name for lease in leases if lease.claimed}
        for error in filter(None, (spoiled, lost)):
            report_rows(error)
        ours = {record.account_id: record for record in records if record.account_id}
        unseen = {each.mark: each for each in records if each.mark and not each.account_id}
        seen: dict[str, Account] = {}
        for account in listed:
            record = ours.get(account.id) or unseen.get(account.mark)
            if record is not None:
                seen[record.user_principal_name] = account
            elif spoiled is None:
                # Else it may be the account of the record that cannot be read.
                await self._report_stranger(tenant, account)

        async def look(record: AccountRecord) -> None:
            await self._look_at(tenant, record, seen.get(record.user_principal_name))

        free = [record for record in records if record.user_principal_name not in claimed]
        watched = [record for record in free if not self._is_left_alone(tenant, record)]
        await one_by_one(watched, look, self._limits)
        if unread := spoiled or lost:
            raise unread

    def _is_left_alone(self, tenant: Tenant, record: AccountRecord) -> bool:
        """Whether somebody said so, or the last ending may not show everywhere yet."""
        ended = record.last_ended_at
        return (
            record.adopted_by is not None
            or record.account_id in tenant.break_glass
            or (ended is not None and self._at - CREATION_SETTLES < ended)
        )

    async def _report_stranger(self, tenant: Tenant, account: Account) -> None:
        """Report an account that is only called like one of Curfew's, once and for all."""
        if await self._services.accounts.note_stranger(tenant.id, account.id):
            emit(Event.ACCOUNT_UNKNOWN, level=WARNING, tenant=tenant.id, account=account.id)
            self._note(tenant, account, Noticed.UNKNOWN)

    async def _look_at(
        self, tenant: Tenant, record: AccountRecord, account: Account | None
    ) -> None:
        """Look at one account; what goes wrong there is nobody else's."""
        about = {"tenant": tenant.id, "account": record.account_id}
        try:
            with self._services.pace(tenant.id).turn("watch", Purpose.GIVING):
                directory = self._directory(tenant)
                if account is None and record.account_id:
                    account = await directory.accounts.look(record.account_id)
                if account is None or account.id in tenant.break_glass:
                    return
                held = await held_by(directory, account.id)
            self._accounts += 1
            facts = facts_of(record, account, held)
            result = await judge(self._services, tenant, record, account, facts)
            if result is not None:
                self._note(tenant, account, result, facts)
        except Throttled:
            raise
        except Exception as error:  # noqa: BLE001 - one account's defect is not the next one's
            report(Event.ACCOUNT_UNREADABLE, error, **about)
            if account is not None:
                self._note(tenant, account, Noticed.UNREADABLE)

    def _note(
        self, tenant: Tenant, account: Account, result: Noticed, facts: tuple[str, ...] = ()
    ) -> None:
        self._noticed.append(
            WatchedAccount(
                tenant=tenant.id,
                id=account.id,
                user_principal_name=account.user_principal_name,
                result=result,
                facts=facts,
            )
        )

    def _directory(self, tenant: Tenant) -> Directory:
        return self._services.directory(tenant.id, tenant.connection)
