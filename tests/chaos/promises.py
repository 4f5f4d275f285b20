"""What must be true when everything has come to rest."""

import json
import logging
from collections.abc import Iterator

import httpx

from curfew.audit import Verdict, Wanted, verify
from curfew.model.grants import Lease
from curfew.model.sweeps import WatchReport
from curfew.net.watching import watch
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from tests.chaos.offers import REPORTS_READER, subject_of
from tests.chaos.stage import Stage
from tests.chaos.watching import Violation, lent_to, managed

_LEDGER = ("leases", "history", "accounts", "audit")


def check(stage: Stage) -> None:
    """Hold everything that was left against what was promised."""
    for grant in stage.grants:
        _is_over(stage, grant)
    _the_watch_finds_nothing(stage)
    for customer in stage.customers:
        _nothing_is_left(stage, customer)
        _the_trail_is_whole(stage, customer)
    _passwords_are_dead(stage)
    _secrets_are_in_their_place(stage)
    defects, stage.shared.cloud.defects[:] = list(stage.shared.cloud.defects), []
    if defects:
        raise Violation(f"the simulator failed: {defects}")


def _is_over(stage: Stage, grant: str) -> None:
    lease = stage.lease(grant)
    if lease.state.value not in {"ended", "closed"}:
        raise Violation(f"not over: {line_of(lease)}")
    if lease.state.value == "ended" and not (lease.evidence and lease.evidence.clean):
        raise Violation(f"ended without clean evidence: {line_of(lease)}")


def _nothing_is_left(stage: Stage, customer: Tenant) -> None:
    for user in managed(customer):
        if stage.is_served(customer) or not stage.watch.is_woken(user):
            _is_asleep(customer, user)
    _has_what_is_his_own(customer, subject_of(customer))
    if rows := _rows(stage, "leases", customer):
        raise Violation(f"the ledger keeps what is over: {rows}")


def _is_asleep(customer: Tenant, user: User) -> None:
    left = {
        "is enabled": user.account_enabled,
        "holds roles": customer.assignments_of(user.id),
        "has a pass": user.access_pass,
        "has a sign-in method": user.methods,
        "is in a group": customer.groups_of(user.id),
    }
    for what, still in left.items():
        if still:
            raise Violation(f"{user.user_principal_name} {what} after the end")


def _has_what_is_his_own(customer: Tenant, subject: User) -> None:
    name = subject.user_principal_name
    if lent := lent_to(customer, subject):
        raise Violation(f"{name} keeps {lent} after the end")
    if REPORTS_READER not in {held.role_id for held in customer.assignments_of(subject.id)}:
        raise Violation(f"{name} has lost a role that was his own")
    if len(customer.groups_of(subject.id)) != 1:
        raise Violation(f"{name} has lost a group that was his own")


def _the_watch_finds_nothing(stage: Stage) -> None:
    """Ledger and directory agree, by the product's own eyes as well."""
    looked: WatchReport = stage.wait(watch(stage.shared.services))
    if looked.noticed or looked.failures or looked.partial:
        raise Violation(f"the watch still finds {looked.noticed} {looked.failures}")


def _the_trail_is_whole(stage: Stage, customer: Tenant) -> None:
    async def broken() -> list[Verdict]:
        wanted = Wanted(tenants=(customer.id,))
        return [each async for each in verify(stage.shared.services, wanted) if each.findings]

    if any(grant[2:38] == customer.id for grant in stage.grants) and (
        found := stage.wait(broken())
    ):
        raise Violation(f"the audit trail is broken: {found}")


def _passwords_are_dead(stage: Stage) -> None:
    kept = list(_kept(stage))
    for name, value, enabled in kept:
        if enabled:
            raise Violation(f"the vault still hands out {name}")
        for customer in stage.customers:
            for user in managed(customer):
                if user.password == value:
                    raise Violation(f"{user.user_principal_name} has a password that was kept")
    for customer in stage.customers:
        for user in managed(customer):
            for name, value, _ in kept[-3:]:
                if _sign_in(stage, customer, user.user_principal_name, value) == httpx.codes.OK:
                    raise Violation(f"{user.user_principal_name} can sign in with {name}")


def _kept(stage: Stage) -> Iterator[tuple[str, str, bool]]:
    """Every version of every grant's secret in the vault."""
    for secret in stage.shared.cloud.vault.secrets.values():
        if secret.name.startswith("grant-"):
            for version in secret.versions.values():
                yield secret.name, version.value, version.enabled


def _sign_in(stage: Stage, customer: Tenant, name: str, typed: str) -> int:
    form = {
        "grant_type": "password",
        "client_id": stage.shared.demo.curfew.app_id,
        "username": name,
        "password": typed,
        "scope": f"{stage.shared.server.url}/.default",
    }
    address = f"{stage.shared.server.url}/{customer.id}/oauth2/v2.0/token"
    return stage.visitor.post(address, data=form).status_code


def _secrets_are_in_their_place(stage: Stage) -> None:
    secrets = stage.shared.cloud.calls.secrets()
    places = {
        "histories": "\n".join(i.text() for i in (*stage.engine, *stage.engine.gone)),
        "logs": "\n".join(_text(record) for record in stage.log),
        "tables": "\n".join(
            row for table in _LEDGER for c in stage.customers for row in _rows(stage, table, c)
        ),
        "addresses": "\n".join(f"{call.path}?{call.query}" for call in stage.shared.cloud.calls),
    }
    for place, text in places.items():
        if any(secret in text for secret in secrets):
            raise Violation(f"a secret stands in the {place}")


def _text(record: logging.LogRecord) -> str:
    trace = str(record.exc_info) if record.exc_info else ""
    return record.getMessage() + json.dumps({k: str(v) for k, v in vars(record).items()}) + trace


def _rows(stage: Stage, table: str, customer: Tenant) -> list[str]:
    async def read() -> list[str]:
        query = "PartitionKey ge @tenant and PartitionKey lt @after"
        bounds = {"tenant": customer.id, "after": f"{customer.id}~"}
        tables = stage.shared.services.tables
        return [str(row) async for row in tables.all(table, query, bounds)]

    rows: list[str] = stage.wait(read())
    return rows


def line_of(lease: Lease) -> str:
    """A grant on one line."""
    return f"{lease.plan.grant_id} {lease.state} {lease.end_reason} stuck={lease.stuck}"
