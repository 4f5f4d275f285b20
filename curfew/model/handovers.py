"""The credentials of a grant as people meet them: where they lie, shown how often, made anew."""

from typing import Self

from pydantic import Field

from curfew.model.approvals import ConsentId, Person
from curfew.model.base import Model, Moment

MOST_RENEWALS = 10
"""How many new credentials a grant gets."""


class SecretVersion(Model):
    """Where a credential lies in the vault: its name and version, never its value."""

    name: str
    version: str
    lapses_at: Moment | None = Field(
        default=None, description="When Entra itself refuses it; none for a password."
    )


class Handover(Model):
    """The credentials of an active grant, by their places."""

    password: SecretVersion | None = None
    temporary_access_pass: SecretVersion | None = None

    def shares(self, other: Self) -> bool:
        """Whether a credential of the one is also a credential of the other."""
        mine = {self.password, self.temporary_access_pass} - {None}
        return bool(mine & {other.password, other.temporary_access_pass})


class Renewal(Model):
    """A wish for a new credential in the place of the one that was given."""

    id: ConsentId
    by: Person
    requested_at: Moment
    done_at: Moment | None = Field(default=None, description="When the new credential was there.")
    failure: str | None = Field(default=None, description="Why there will be none.")

    @property
    def settled(self) -> bool:
        """Whether nothing more becomes of it."""
        return self.done_at is not None or self.failure is not None


class CredentialView(Model):
    """What the technician signs in with. Sent once per reveal, kept nowhere on the way."""

    user_principal_name: str
    password: str | None = None
    temporary_access_pass: str | None = None
    sign_in_address: str
    expires_at: Moment
    reveals_left: int = Field(
        description="How often it may be revealed again, until a new one must be asked for."
    )
