"""Application registrations and the ways in which they prove who they are."""

import base64
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

# Stands for this cloud's own address in an issuer, because the port is known only later.
AUTHORITY = "{authority}"


@dataclass(frozen=True)
class FederatedCredential:
    """Trust in the tokens of another issuer; all three are compared case-sensitively.

    `{authority}` in the issuer stands for the address of this cloud.
    """

    issuer: str
    subject: str
    audience: str
    name: str = "managed-identity"

    def matches(self, authority: str, issuer: str, subject: str, audience: str) -> bool:
        """Whether an assertion with these claims is meant, to the letter."""
        mine = (self.issuer.replace(AUTHORITY, authority), self.subject, self.audience)
        return mine == (issuer, subject, audience)


@dataclass
class Secret:
    """A client secret, good until `expires` (by the wall clock, None: for ever)."""

    value: str
    expires: datetime | None = None


class Certificate:
    """A registered certificate, found by either of its thumbprints."""

    def __init__(self, pem: bytes) -> None:
        self.certificate = x509.load_pem_x509_certificate(pem)
        self.thumbprint = _encoded(self.certificate.fingerprint(hashes.SHA1()))  # noqa: S303
        self.thumbprint_sha256 = _encoded(self.certificate.fingerprint(hashes.SHA256()))


@dataclass(eq=False)
class Application:
    """An app registration of its home tenant.

    `app_roles` (of an API) are assigned per principal in `Tenant.app_roles`; with `group_claims`
    tokens for it name the caller's groups. `permissions` are the Graph permissions that it asks
    an administrator for, who is then sent back to one of the `redirect_uris`.
    """

    app_id: str
    display_name: str
    home_tenant: str
    multi_tenant: bool = False
    identifier_uris: list[str] = field(default_factory=list)
    app_roles: list[str] = field(default_factory=list)
    group_claims: bool = False
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)
    permissions: frozenset[str] = frozenset()
    redirect_uris: list[str] = field(default_factory=list)


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
