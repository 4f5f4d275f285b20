"""Plays a sequence, lets everything come to rest, and looks at what is left."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import httpx

from curfew.audit import Verdict, Wanted, verify
from curfew.model.grants import Lease
from simulator.directory.tenant import Tenant
from tests.chaos.offers import REPORTS_READER, subject_of
from tests.chaos.stage import Stage, raised
from tests.chaos.steps import Step
from tests.chaos.watching import Violation, lent_to, managed
from tests.lifecycle.shared import Shared

_PATIENCE = timedelta(hours=36)
_LEDGER = ("leases", "history", "accounts", "audit")


def play(shared: Shared, steps: Sequence[Step], *, tenants: int = 2) -> Counter[str]:
    """Play a sequence and check every promise, during it and after it.

    Answers what a sequence was worth: how much happened in it, and how its grants ended.
    """
    with raised(shared, tenants) as stage:
        try:
            for step in steps:
                stage.note(repr(step))
                step.apply(stage)
            _come_to_rest(stage)
            _check(stage)
        except Exception as error:
            error.add_note("\n".join(stage.told))
            raise
        return _worth(stage)


def _worth(stage: Stage) -> Counter[str]:
    calls = list(stage.shared.cloud.calls)
    worth = Counter(
        {
            "sequences": 1,
            "grants": len(stage.grants),
            "calls": len(calls),
            "calls in trouble": sum(1 for call in calls if call.fault),
            "looks": stage.watch.looks,
        }
    )
    worth.update(str(stage.lease(grant).end_reason) for grant in stage.grants)
    return worth


def _come_to_rest(stage: Stage) -> None:
    """The trouble is over; time passes until nothing runs and no lease is open."""
    stage.note("the trouble is over")
    stage.weather.clear()
    until = stage.clock() + _PATIENCE
    while stage.clock() < until:
        if stage.at_rest:
            return
        stage.pass_time(timedelta(minutes=30))
    left = [lease for customer in stage.customers for lease in stage.open_leases(customer)]
    raise Violation(f"after {_PATIENCE} these are not over: {[_line(lease) for lease in left]}")


def _check(stage: Stage) -> None:
    for grant in stage.grants:
        _is_over(stage, grant)
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
        raise Violation(f"not over: {_line(lease)}")
    if lease.state.value == "ended" and not (lease.evidence and lease.evidence.clean):
        raise Violation(f"ended without clean evidence: {_line(lease)}")


def _nothing_is_left(stage: Stage, customer: Tenant) -> None:
    for user in managed(customer):
        name = user.user_principal_name
        if user.account_enabled:
            raise Violation(f"{name} is enabled after the end")
        if customer.assignments_of(user.id):
            raise Violation(f"{name} holds roles after the end")
        if user.access_pass is not None or user.methods:
            raise Violation(f"{name} has a sign-in method after the end")
        if customer.groups_of(user.id):
            raise Violation(f"{name} is in a group after the end")
    subject = subject_of(customer)
    if lent := lent_to(customer, subject):
        raise Violation(f"{subject.user_principal_name} keeps {lent} after the end")
    if REPORTS_READER not in {held.role_id for held in customer.assignments_of(subject.id)}:
        raise Violation(f"{subject.user_principal_name} has lost a role that was his own")
    if len(customer.groups_of(subject.id)) != 1:
        raise Violation(f"{subject.user_principal_name} has lost a group that was his own")
    rows = _rows(stage, "leases", customer)
    if rows:
        raise Violation(f"the ledger keeps what is over: {rows}")


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


def _line(lease: Lease) -> str:
    return f"{lease.plan.grant_id} {lease.state} {lease.end_reason} stuck={lease.stuck}"
