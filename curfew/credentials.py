"""The credentials of this deployment: towards its own vault and tables, and towards customers.

Towards a customer there are three kinds, best first: the managed identity as a federated
credential of the multi-tenant app (no secret exists), a certificate, a client secret; the last
two lie in the vault by name. One credential object per tenant, never shared: a token of one
customer cannot reach another by construction.

azure-identity's synchronous credentials are used in threads, because the assertion of
`ClientAssertionCredential` is a synchronous callable even in its asyncio flavour and would block
the event loop while it asks the managed identity.
"""

import asyncio
import base64
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineResponse
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
)
from cryptography.exceptions import UnsupportedAlgorithm
from pydantic import SecretStr

from curfew.azure_errors import kind_of
from curfew.clouds import CLOUDS
from curfew.errors import Denied, Rejected, Unavailable
from curfew.model.tenants import Connection, ConnectionKind
from curfew.settings import Settings

UNUSABLE_SECRET = "UnusableSecret"  # noqa: S105 - a code, not a secret

type SecretReader = Callable[[str], Awaitable[SecretStr]]
"""Reads a secret of the deployment's vault by its name."""

_PEM = "-----BEGIN"
# A failed try is taken up by the workflow's durable timers, not by a thread that sleeps.
_ONE_TRY: dict[str, Any] = {"retry_total": 0}

type Build = Callable[[], Awaitable[TokenCredential]]


class LazyCredential:
    """An asynchronous token credential that is built on first use and can be dropped.

    Tokens are cached by azure-identity inside the credential it wraps. `forget` drops both: the
    next token reflects consent, roles and secrets as they are now.
    """

    def __init__(self, build: Build) -> None:
        self._build = build
        self._inner: TokenCredential | None = None
        self._lock = asyncio.Lock()

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        **_options: object,
    ) -> AccessToken:
        """A token for the scopes.

        Raises:
            Denied: the authority refuses this credential.
            Unavailable: the authority or the managed identity endpoint did not answer.
        """
        async with self._lock:
            inner = self._inner = self._inner or await self._build()
        try:
            return await asyncio.to_thread(_token, inner, scopes, claims)
        except Denied:
            # The secret or certificate may have been renewed since it was read.
            if self._inner is inner:
                self.forget()
            raise

    def forget(self) -> None:
        """Build anew at the next use."""
        self._inner = None

    async def close(self) -> None:
        """Nothing is held open; azure-core calls this."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Credentials:
    """Makes the credentials of one deployment.

    Args:
        settings: The deployment's settings.
        read_secret: Reads certificates and client secrets from the deployment's vault.
    """

    def __init__(self, settings: Settings, read_secret: SecretReader) -> None:
        self._settings = settings
        self._read_secret = read_secret

    def own(self) -> LazyCredential:
        """The deployment's managed identity, for its own vault and tables."""

        async def build() -> TokenCredential:
            return self._managed_identity()

        return LazyCredential(build)

    def towards(self, tenant_id: str, connection: Connection) -> LazyCredential:
        """The credential towards one customer tenant."""
        builders: dict[ConnectionKind, Callable[[str, Connection], Awaitable[TokenCredential]]] = {
            ConnectionKind.FEDERATED: self._federated,
            ConnectionKind.CERTIFICATE: self._certificate,
            ConnectionKind.SECRET: self._secret,
        }
        return LazyCredential(lambda: builders[connection.kind](tenant_id, connection))

    async def certificate_until(self, connection: Connection) -> datetime:
        """When the certificate of a connection lapses.

        Raises:
            Missing, Denied: the vault has no such certificate, or none that can be used.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import pkcs12

        value = (await self._secret_of(connection)).get_secret_value()
        with _usable():
            if value.startswith(_PEM):
                certificate = x509.load_pem_x509_certificates(value.encode())[0]
            else:
                bundle = pkcs12.load_pkcs12(base64.b64decode(value), None)
                if bundle.cert is None:
                    raise ValueError
                certificate = bundle.cert.certificate
            return certificate.not_valid_after_utc

    def _managed_identity(self) -> ManagedIdentityCredential:
        return ManagedIdentityCredential(
            client_id=self._settings.managed_identity_id, **_ONE_TRY, raw_response_hook=_last_answer
        )

    async def _federated(self, tenant_id: str, connection: Connection) -> TokenCredential:
        identity = self._managed_identity()
        scope = self._settings.cloud.federation_scope
        return ClientAssertionCredential(
            tenant_id,
            connection.client_id or self._settings.app_id,
            lambda: identity.get_token(scope).token,
            **self._authority(),
        )

    async def _certificate(self, tenant_id: str, connection: Connection) -> TokenCredential:
        value = (await self._secret_of(connection)).get_secret_value()
        with _usable():
            # Key Vault keeps a certificate's private half as PEM or as base64 of a PKCS#12 file.
            pem = value.startswith(_PEM)
            return CertificateCredential(
                tenant_id,
                connection.client_id or self._settings.app_id,
                certificate_data=value.encode() if pem else base64.b64decode(value),
                send_certificate_chain=True,
                **self._authority(),
            )

    async def _secret(self, tenant_id: str, connection: Connection) -> TokenCredential:
        value = (await self._secret_of(connection)).get_secret_value()
        with _usable():
            return ClientSecretCredential(
                tenant_id,
                connection.client_id or self._settings.app_id,
                value,
                **self._authority(),
            )

    async def _secret_of(self, connection: Connection) -> SecretStr:
        return await self._read_secret(connection.secret_name or "")

    def _authority(self) -> dict[str, Any]:
        cloud = self._settings.cloud
        # Discovery asks the public cloud about an authority that it does not know; ours is
        # either Microsoft's own or the simulator's.
        known = cloud.authority == CLOUDS[cloud.name].authority
        return {
            "authority": cloud.authority,
            "disable_instance_discovery": not known,
            "raw_response_hook": _last_answer,
            **_ONE_TRY,
        }


@contextmanager
def _usable() -> Iterator[None]:
    """What lies in the vault may be no certificate and no secret at all, or locked."""
    try:
        yield
    # A key that has a password is a TypeError to the library.
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Denied("identity", "credential", service_code=UNUSABLE_SECRET) from error


class _LastAnswer(threading.local):
    """What the authority said last in this thread; azure-identity's exceptions keep it back."""

    status = 0
    code = ""

    def __call__(self, response: PipelineResponse[Any, Any]) -> None:
        self.status = response.http_response.status_code
        self.code = ""
        if self.status >= HTTPStatus.BAD_REQUEST:
            with suppress(ValueError, AttributeError, TypeError, LookupError):
                self.code = f"AADSTS{response.http_response.json()['error_codes'][0]}"


_last_answer = _LastAnswer()


def _token(inner: TokenCredential, scopes: tuple[str, ...], claims: str | None) -> AccessToken:
    _last_answer.status = 0
    try:
        return inner.get_token(*scopes, claims=claims)
    except AzureError as error:
        status, code = _last_answer.status, _last_answer.code
        kind = kind_of(status) if status >= HTTPStatus.BAD_REQUEST else Unavailable
        # The authority answers 400 to a wrong secret, a wrong assertion and missing consent.
        kind = Denied if kind is Rejected else kind
        raise kind("identity", "token", status=status, service_code=code) from error
