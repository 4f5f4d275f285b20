"""The audit trail looked at from outside: is it whole, and what its heads are right now.

    python -m curfew.audit verify [--tenant ID ...] [--anchor TENANT=SEQUENCE:HASH ...] [--json]

reads the tables by the app's own settings and follows every chain. The exit code is 0 when all
are whole, 1 when one is broken, and 2 when something could not be read: unknown is not whole.

A chain shows what was changed, removed or re-ordered inside it. It cannot show that all of it was
made anew, hashes and head included, by somebody who may write the table. So `anchor` reports the
head of every tenant as an event, which Azure Monitor keeps where the table's writers have no say,
and `--anchor` holds the trail against such an event.
"""

import argparse
import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from curfew.chain import MEANINGS, Anchor, Checker, Damage, Finding, Head
from curfew.errors import CurfewError, ServiceError
from curfew.events import Event, emit, report
from curfew.ledger.reading import readable
from curfew.services import Services
from curfew.settings import Settings

WHOLE, BROKEN, UNKNOWN = 0, 1, 2
_UNREADABLE = "The row that names the month in which the trail goes on cannot be read."
_ANCHOR = re.compile(
    r"(?P<tenant>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"=(?P<sequence>[1-9][0-9]{0,11}):(?P<hash>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of one tenant's trail came to."""

    tenant: str
    events: int
    last: Anchor | None
    findings: tuple[Finding, ...]

    @property
    def line(self) -> str:
        """The verdict on one line."""
        end = f", last {self.last.sequence}:{self.last.hash}" if self.last else ""
        state = "BROKEN" if self.findings else "whole"
        return f"{self.tenant}  {state}  {self.events} events{end}"


@dataclass
class Wanted:
    """What is to be checked: these tenants or, when none is named, all; against these anchors."""

    tenants: tuple[str, ...] = ()
    anchors: Mapping[str, tuple[Anchor, ...]] = field(default_factory=dict)


async def anchor(services: Services) -> int:
    """Report the head of every tenant's trail; answers how many.

    A tenant whose head cannot be read is reported as such and keeps nobody else from it.
    """
    anchored = 0
    for tenant in await services.audit.tenants():
        try:
            last = await services.audit.last(tenant)
        except ServiceError as error:
            report(Event.AUDIT_MISSED, error, tenant=tenant)
            continue
        if last is not None:
            emit(Event.AUDIT_ANCHORED, tenant=tenant, sequence=last.sequence, hash=last.hash)
            anchored += 1
    return anchored


async def verify(services: Services, wanted: Wanted) -> AsyncIterator[Verdict]:
    """Follow the chains, tenant after tenant.

    Every tenant that Curfew serves has a trail, which begins with its creation: one without is a
    finding, as is a tenant that was named or anchored. A trail that looks broken is followed once
    more, because its next event may have been written between two pages of the reading.
    """
    named = tuple(dict.fromkeys((*wanted.tenants, *wanted.anchors))) if wanted.tenants else ()
    missing = {*named, *wanted.anchors}
    if not named:
        known, spoiled = await readable(services.tenants.all())
        missing |= {tenant.id for tenant in known}
        # The key of a row that cannot be read says which tenant it was.
        missing |= {tenant for tenant, _ in spoiled.rows} if spoiled else set()
        missing |= set(await services.audit.tenants())
    for scope in named or (None,):
        async for verdict in _follow(services, scope, wanted):
            missing.discard(verdict.tenant)
            again = _follow(services, verdict.tenant, wanted) if verdict.findings else None
            yield (await anext(again, verdict)) if again else verdict
    for tenant in sorted(missing):
        nothing = Finding(Damage.TRUNCATED, 1, "There is not a single event.")
        yield Verdict(tenant, 0, None, (nothing,))


async def _follow(services: Services, scope: str | None, wanted: Wanted) -> AsyncIterator[Verdict]:
    """Follow the chain of one tenant, or of all, in one reading of the table."""
    newest = await services.audit.tenants()
    checker, current = Checker(), ""
    async for tenant, stored in services.audit.stream(scope):
        if tenant != current:
            if current:
                yield _verdict(current, checker)
            current = tenant
            checker = Checker(wanted.anchors.get(tenant, ()), newest.get(tenant))
            if newest.get(tenant, "") is None:
                checker.findings.append(Finding(Damage.CHANGED, 1, _UNREADABLE))
        if isinstance(stored, Head):
            checker.note_head(stored)
        else:
            checker.look(stored)
    if current:
        yield _verdict(current, checker)


def _verdict(tenant: str, checker: Checker) -> Verdict:
    findings = tuple(checker.finish())
    return Verdict(tenant, checker.events, checker.last, findings)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The command; answers its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m curfew.audit", description="Check that the audit trail is whole."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("verify", help="follow every chain, and say where one is broken")
    command.add_argument("--tenant", action="append", default=[], help="only this tenant")
    command.add_argument(
        "--anchor",
        action="append",
        default=[],
        type=_anchor,
        metavar="TENANT=SEQUENCE:HASH",
        help="an event as curfew.audit.anchored reported it",
    )
    command.add_argument("--json", action="store_true", help="a JSON object per tenant and line")
    given = parser.parse_args(arguments)
    anchors: dict[str, tuple[Anchor, ...]] = {}
    for tenant, anchored in given.anchor:
        anchors[tenant] = (*anchors.get(tenant, ()), anchored)
    wanted = Wanted(tuple(dict.fromkeys(each.lower() for each in given.tenant)), anchors)
    try:
        services = Services(Settings.read(environment))
        return asyncio.run(_print_verdicts(services, wanted, as_json=given.json))
    except CurfewError as error:
        _say(f"Could not be read: {error.detail}", sys.stderr)
        return UNKNOWN


async def _print_verdicts(services: Services, wanted: Wanted, *, as_json: bool) -> int:
    checked, damages = 0, set[Damage]()
    try:
        async for verdict in verify(services, wanted):
            checked += 1
            damages |= {finding.damage for finding in verdict.findings}
            _print(verdict, as_json=as_json)
    except ServiceError as error:
        _say(f"The rest could not be read: {error.detail}", sys.stderr)
        return BROKEN if damages else UNKNOWN
    finally:
        await services.close()
    if not checked:
        _say("There is nothing to check: no tenant and no event.", sys.stderr)
        return UNKNOWN
    for damage in sorted(damages):
        _say(f"{damage}: {MEANINGS[damage]}", sys.stderr)
    return BROKEN if damages else WHOLE


def _print(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        last = verdict.last
        shown = {
            "tenant": verdict.tenant,
            "events": verdict.events,
            "last": {"sequence": last.sequence, "hash": last.hash} if last else None,
            "findings": [
                {"damage": each.damage, "sequence": each.sequence, "detail": each.detail}
                for each in verdict.findings
            ],
        }
        _say(json.dumps(shown, separators=(",", ":")))
        return
    _say(verdict.line)
    for each in verdict.findings:
        _say(f"  {each.damage} at {each.sequence}: {each.detail}")


def _anchor(text: str) -> tuple[str, Anchor]:
    found = _ANCHOR.fullmatch(text.strip().lower())
    if found is None:
        message = "an anchor is TENANT=SEQUENCE:HASH"
        raise argparse.ArgumentTypeError(message)
    return found["tenant"], Anchor(int(found["sequence"]), found["hash"])


def _say(line: str, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
