"""Checking one tenant, or all in the night: the answer is kept, and its change reported."""

import random
from dataclasses import replace
from logging import INFO, WARNING
from time import monotonic

from curfew.entra.pace import Purpose
from curfew.events import Event, emit, report, report_rows
from curfew.ledger.reading import readable
from curfew.model.checks import CheckReport, Severity
from curfew.model.tenants import Tenant
from curfew.net.rounds import Cut, Limits, in_every_tenant
from curfew.preflight.facts import gather
from curfew.preflight.findings import judge
from curfew.services import Services

_LIMITS = replace(Limits(), tenants=4)


async def check(services: Services, tenant: Tenant) -> CheckReport:
    """Look at a tenant, keep the answer in the place of the last one, and report if it differs.

    Raises:
        Busy: much is being done in the tenant; nothing was looked at.
        Unreadable: a profile cannot be read, so nobody can tell what the tenant needs.
        ServiceError: the ledger does not answer.
    """
    profiles = tuple([profile async for profile in services.tenants.profiles(tenant.id)])
    with services.pace(tenant.id).turn("check", Purpose.GIVING):
        answer = judge(await gather(services, tenant, profiles))
    before = await services.checks.latest(tenant.id)
    await services.checks.keep(answer)
    if before is None or before.wrong != answer.wrong:
        _report(answer)
    return answer


def _report(answer: CheckReport) -> None:
    errors = [each.code for each in answer.findings if each.severity is Severity.ERROR]
    warnings = [each.code for each in answer.findings if each.severity is Severity.WARNING]
    emit(
        Event.TENANT_CHECK_CHANGED,
        level=WARNING if errors else INFO,
        tenant=answer.tenant,
        healthy=answer.healthy,
        errors=len(errors),
        warnings=len(warnings),
        codes=" ".join(dict.fromkeys(errors + warnings)),
    )


async def check_everywhere(services: Services, limits: Limits = _LIMITS) -> list[CheckReport]:
    """Check every tenant that is not leaving, several at once, each for itself.

    Whatever it raises it has reported.

    Raises:
        ServiceError: the settings cannot be read. Nothing was checked.
    """
    began = monotonic()
    try:
        found, spoiled = await readable(services.tenants.all())
    except Exception as error:
        report(Event.CHECK_FAILED, error)
        raise
    tenants = {tenant.id: tenant for tenant in found if tenant.leaving_since is None}
    answers: list[CheckReport] = []

    async def look(tenant_id: str) -> None:
        answers.append(await check(services, tenants[tenant_id]))

    # By lot, so that a pass that is cut short costs all tenants alike.
    order = random.sample(list(tenants), len(tenants))
    cuts = await in_every_tenant(order, look, limits)
    if spoiled is not None:
        report_rows(spoiled)
        cuts += [Cut(tenant, spoiled.code, spoiled) for tenant, _ in spoiled.rows]
    for cut in cuts:
        if cut.error is not None:
            report(Event.CHECK_FAILED, cut.error, tenant=cut.tenant)
        else:
            emit(Event.CHECK_FAILED, level=WARNING, tenant=cut.tenant, error=cut.reason)
    emit(
        Event.CHECK_DONE,
        tenants=len(tenants),
        healthy=sum(each.healthy for each in answers),
        failing=sum(not each.healthy for each in answers),
        partial=bool(cuts),
        seconds=round(monotonic() - began, 3),
    )
    return answers
