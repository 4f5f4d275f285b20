"""What the tenant's settings say, against the directory and the vault: domain, secrets, people."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from curfew.errors import Missing
from curfew.model.checks import Finding
from curfew.model.tenants import ConnectionKind
from curfew.preflight.facts import DirectoryFacts, TenantFacts, Unread
from curfew.preflight.saying import error, fine, listed, unreadable, warning

_AHEAD = timedelta(days=30)


def domain(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """Whether accounts can be made in the account domain."""
    name = facts.tenant.account_domain
    if isinstance(directory.domains, Unread):
        yield unreadable("domain", "The tenant's domains", directory.domains, "Domain.Read.All")
        return
    known = directory.domains
    fails = "No account can be made: every request for one fails."
    usable = [each.name for each in known.values() if each.verified and each.managed]
    choose = f"Set accountDomain to a verified, managed domain of the tenant: {listed(usable)}."
    found = known.get(name)
    if found is None:
        yield error("domain.unknown", f"The tenant has no domain {name}.", fails, choose)
    elif not found.verified:
        yield error("domain.unverified", f"The domain {name} is not verified.", fails, choose)
    elif not found.managed:
        yield error(
            "domain.federated",
            f"The domain {name} is federated: another identity provider signs its users in.",
            f"{fails} Entra lets nobody set a password in a federated domain.",
            choose,
        )
    else:
        yield fine(
            "domain.usable",
            f"Accounts can be made in {name}.",
            "The domain is verified and managed.",
        )


def connection(facts: TenantFacts) -> Iterator[Finding]:
    """The connection's secret or certificate, as the vault has it."""
    kind = facts.tenant.connection.kind
    name = facts.tenant.connection.secret_name
    if kind is ConnectionKind.FEDERATED:
        yield fine(
            "connection.federated",
            "No secret stands between Curfew and the tenant.",
            "The managed identity's token is the proof: nothing lapses, nothing can be stolen.",
        )
        return
    standing, found = facts.standing, []
    if isinstance(standing, Unread):
        if isinstance(standing.error, Missing):
            found.append(
                error(
                    "connection.missing",
                    f"The vault has no secret {name}.",
                    "Nothing works in this tenant as soon as the last token lapses.",
                    "Put the certificate or client secret into the vault under that name.",
                )
            )
        else:
            found.append(unreadable("connection", f"The secret {name} in the vault", standing))
    elif standing is not None:
        if not standing.enabled:
            found.append(
                error(
                    "connection.disabled",
                    f"The newest version of the secret {name} in the vault is disabled.",
                    "Nothing works in this tenant as soon as the last token lapses.",
                    "Enable it, or put a new one there.",
                )
            )
        elif standing.until is None and kind is ConnectionKind.SECRET:
            found.append(_undated(f"The secret {name} in the vault", facts))
        found += _lapses("vault", f"The vault's date for {name}", standing.until, facts.now)
    if isinstance(facts.certificate, Unread):
        found.append(unreadable("certificate", f"The certificate {name}", facts.certificate))
    elif facts.certificate is not None:
        found += _lapses("certificate", f"The certificate {name}", facts.certificate, facts.now)
    yield from found
    if not found:
        yield fine(
            "connection.in-date",
            f"The {kind} that opens the tenant is in date.",
            "It is enabled in the vault, and does not lapse in the next 30 days.",
        )


def _undated(what: str, facts: TenantFacts) -> Finding:
    """A client secret without a date in the vault; what the application says may tell enough."""
    known = facts.directory.registered if facts.directory else None
    told = () if known is None or isinstance(known, Unread) else known
    ends = [each.until for each in told if each.until is not None and each.until > facts.now]
    soon = facts.now + _AHEAD
    # One that soon lapses, and is the last, is told of by itself.
    if ends and (min(ends) > soon or max(ends) <= soon):
        return fine(
            "connection.enabled",
            f"{what} is enabled.",
            "It has no date there; the application's own credentials tell when it lapses.",
        )
    return warning(
        "connection.undated",
        f"{what} has no date: nobody can tell when it lapses.",
        "Everything works until then, and from then on no grant can begin, and none that is live "
        "can be ended. No warning can come before.",
        "Set the expiration date of the secret in the vault to the one of the client secret, or "
        "connect without any secret: by federation.",
    )


def registered(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """The credentials of an application that is registered in the tenant itself."""
    known = directory.registered
    if known is None:
        return
    if isinstance(known, Unread):
        what = "The application's own credentials"
        yield unreadable("registered", what, known, "Application.Read.All")
        return
    dated = [each for each in known if each.until is not None]
    # A lapsed one beside one that is good for long does no harm, and is nobody's alarm.
    newest = max(dated, key=lambda each: each.until or facts.now, default=None)
    if newest is not None:
        what = f"The newest credential of the application ({newest.name})"
        yield from _lapses("registered", what, newest.until, facts.now)


def _lapses(subject: str, what: str, until: datetime | None, now: datetime) -> Iterator[Finding]:
    if until is None or until > now + _AHEAD:
        return
    day = f"{until.astimezone(UTC):%d %B %Y}"
    fix = (
        "Make a new one, register its public half or its value with the application, and put it "
        "into the vault under the same name. Then check again."
    )
    if until <= now:
        yield error(
            f"{subject}.lapsed",
            f"{what} lapsed on {day}.",
            "The tenant lets nobody in with what has lapsed: no grant can begin, and none that is "
            "live can be ended.",
            fix,
        )
    else:
        yield warning(
            f"{subject}.lapses",
            f"{what} lapses on {day}.",
            "Everything works until then. From then on no grant can begin, and none that is live "
            "can be ended.",
            fix,
        )


def break_glass(facts: TenantFacts, directory: DirectoryFacts) -> Iterator[Finding]:
    """Whether emergency accounts are named, and are there."""
    named = facts.tenant.break_glass
    if not named:
        yield warning(
            "break-glass.none",
            "No emergency account is named.",
            "Curfew acts on its own accounts only, and on the subjects of role profiles. Naming "
            "the emergency accounts makes sure that those are never among them.",
            "Write their object ids into breakGlass in the tenant's settings.",
        )
        return
    if isinstance(directory.accounts, Unread):
        yield unreadable(
            "break-glass", "The emergency accounts", directory.accounts, "User.Read.All"
        )
        return
    gone = [each for each in named if each not in directory.accounts]
    if gone:
        yield error(
            "break-glass.unknown",
            f"Emergency accounts are named that the tenant does not have: {listed(gone)}.",
            "The accounts that are meant are protected by nothing.",
            "Correct breakGlass in the tenant's settings: object ids, not user names.",
        )
    else:
        yield fine(
            "break-glass.known",
            "The emergency accounts are known, and never touched.",
            f"{len(named)} named, all of them in the tenant.",
        )
