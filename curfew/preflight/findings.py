"""The whole judgement: from facts to a report, asking nobody."""

from collections.abc import Iterator

from curfew.model.checks import CheckReport, Finding, Severity
from curfew.preflight import admission, basics, offers
from curfew.preflight.facts import TenantFacts
from curfew.preflight.passes import passes


def judge(facts: TenantFacts) -> CheckReport:
    """What the facts mean. The findings stand in the order in which things are to be mended."""
    findings = tuple(_findings(facts))
    return CheckReport(
        tenant=facts.tenant.id,
        checked_at=facts.now,
        healthy=all(each.severity is not Severity.ERROR for each in findings),
        findings=findings,
    )


def _findings(facts: TenantFacts) -> Iterator[Finding]:
    yield from admission.token(facts.refused)
    yield from basics.connection(facts)
    directory = facts.directory
    if directory is None:
        return
    yield from basics.registered(facts, directory)
    yield from admission.permissions(facts, directory)
    yield from admission.directory_role(facts, directory)
    yield from basics.domain(facts, directory)
    yield from offers.offered_roles(facts, directory)
    yield from offers.offered_groups(facts, directory)
    yield from passes(facts, directory)
    yield from offers.licences(facts, directory)
    yield from offers.subjects(facts, directory)
    yield from basics.break_glass(facts, directory)
    yield from admission.protected(directory)
