"""How findings are made: what is well, what is not, and what could not be read."""

from collections.abc import Iterable

from curfew.model.checks import Finding, Severity
from curfew.preflight.facts import Unread

_MANY = 6


def fine(code: str, title: str, meaning: str) -> Finding:
    """Something that is as it should be."""
    return Finding(code=code, severity=Severity.OK, title=title, meaning=meaning)


def warning(code: str, title: str, meaning: str, fix: str) -> Finding:
    """Something that works, and not as well as it could or not for long."""
    return Finding(code=code, severity=Severity.WARNING, title=title, meaning=meaning, fix=fix)


def error(code: str, title: str, meaning: str, fix: str) -> Finding:
    """Something that does not work."""
    return Finding(code=code, severity=Severity.ERROR, title=title, meaning=meaning, fix=fix)


def unreadable(subject: str, what: str, unread: Unread, permission: str = "") -> Finding:
    """Something that nobody can tell: never taken for well.

    Args:
        subject: The first part of the codes of what is told of it otherwise.
        what: What could not be read, to go on with "could not be read".
        unread: Why.
        permission: With which it can be read.
    """
    fix = "Check again in a few minutes; if it stays so, look into the app's log."
    if unread.denied and permission:
        fix = f"Consent to {permission}: the tenant refuses to let Curfew read this without it."
    return error(
        f"{subject}.unread",
        f"{what} could not be read.",
        f"Nobody can tell whether this is as it should be, because: {unread.reason}",
        fix,
    )


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: all of a few, else the first and how many more there are."""
    known = sorted(dict.fromkeys(names))
    if len(known) <= _MANY:
        return ", ".join(known)
    return f"{', '.join(known[:_MANY])} and {len(known) - _MANY} more"
