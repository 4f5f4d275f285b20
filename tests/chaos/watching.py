"""What is looked at after every step of the engine: nothing outlives its expiry, not even once.

The directory is looked at directly, not by the product's own means.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from curfew.model.grants import Lease
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from tests.chaos.offers import REPORTS_READER, subject_of

if TYPE_CHECKING:
    from tests.chaos.stage import Stage

LATE = timedelta(minutes=12)
"""How long after its expiry, or after the last trouble, an access may still be there.

A sweep every five minutes, five minutes of silence that a tenant may have asked for, and an ending.
"""

FOUND = timedelta(hours=3)
"""How long an account that a stranger has enabled may stay so: two looks, an hour apart."""

PREFIX = "msp-"


class Violation(AssertionError):
    """A promise was broken."""


def managed(customer: Tenant) -> list[User]:
    """The accounts that Curfew made in a tenant, enabled or not."""
    return [user for user in customer.users.values() if user.user_principal_name.startswith(PREFIX)]


def lent_to(customer: Tenant, subject: User) -> set[str]:
    """The roles and groups that a user has for a time only."""
    own = {
        REPORTS_READER,
        *(g.id for g in customer.groups.values() if g.display_name == "All staff"),
    }
    roles = {held.role_id for held in customer.assignments_of(subject.id)}
    return {*roles, *(group.id for group in customer.groups_of(subject.id))} - own


class Watch:
    """Looks at every managed account, and every user who borrows, after every step."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage
        self._expiries: dict[str, datetime] = {}
        self._woken: dict[str, datetime] = {}
        self.looks = 0

    def look(self) -> None:
        """See whether an account is in use that must not be."""
        self.looks += 1
        self._stage.weather.observe()
        for customer in self._stage.customers:
            subject = subject_of(customer)
            for user in managed(customer):
                self._see(customer, user, inside=user.account_enabled)
            self._see(customer, subject, inside=bool(lent_to(customer, subject)))

    def _see(self, customer: Tenant, user: User, *, inside: bool) -> None:
        if inside:
            self._inside(customer, user)
        else:
            self._expiries.pop(user.id, None)
            self._woken.pop(user.id, None)

    def _inside(self, customer: Tenant, user: User) -> None:
        """Somebody has access: there must be a lease that says until when, and that is not past."""
        now, name = self._stage.clock(), user.user_principal_name
        if user.id in self._woken:
            self._awake(customer, user)
            return
        if user.id not in self._expiries or now > self._allowed(user):
            leases = self.leases_of(customer, user)
            if not leases:
                raise Violation(f"{name} has access without a lease")
            expiries = [lease.expires_at for lease in leases if lease.expires_at is not None]
            if not expiries:
                raise Violation(f"{name} has access before its expiry is armed")
            if all(lease.state.unopened for lease in leases):
                raise Violation(f"{name} has access while {leases[0].state}")
            self._expiries[user.id] = max(expiries)
        if now > self._allowed(user):
            expiry = self._expiries[user.id]
            raise Violation(
                f"{name} has access at {now:%d %H:%M:%S}; it expired at {expiry:%d %H:%M:%S}"
            )

    def _awake(self, customer: Tenant, user: User) -> None:
        """The watch warns when it first sees it, and takes it back when it sees it again."""
        since = self._woken[user.id]
        until = max(since, self._stage.weather.last or since) + FOUND
        if self._stage.clock() > until and self._stage.is_served(customer):
            raise Violation(f"{user.user_principal_name} was woken at {since:%d %H:%M:%S}")

    def _allowed(self, user: User) -> datetime:
        expiry = self._expiries[user.id]
        return max(expiry, self._stage.weather.last or expiry) + LATE

    def note_woken(self, user: User) -> None:
        """A stranger has enabled an account: it is the watch's to find."""
        self._woken[user.id] = self._stage.clock()

    def is_woken(self, user: User) -> bool:
        """Whether a stranger has enabled it, and nobody has disabled it since."""
        return user.id in self._woken

    def leases_of(self, customer: Tenant, user: User) -> list[Lease]:
        """The grants of an account that are not over."""
        return [
            lease
            for lease in self._stage.open_leases(customer)
            if lease.plan.user_principal_name == user.user_principal_name and not lease.state.over
        ]
