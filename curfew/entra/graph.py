"""The connection to Microsoft Graph for one tenant, and what its errors mean.

Requests are built by Microsoft's SDK and sent through its middleware; answers are read as JSON.

Nothing here retries: kiota's retry handler would sleep inside an activity and give up on any
Retry-After of three minutes, so it is set to zero and the workflow waits on durable timers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import cycle
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.api_error import APIError
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RetryHandlerOption
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

from curfew.azure_errors import kind_of, retry_after_of
from curfew.clouds import Cloud
from curfew.entra.answers import Answer
from curfew.entra.pace import Pace
from curfew.errors import (
    AlreadyExists,
    Changed,
    Denied,
    Missing,
    Rejected,
    ServiceError,
    Throttled,
    TooSoon,
    Unavailable,
    Unlicensed,
)

GRAPH_VERSION = "v1.0"
_PAGE_LIMIT = 1000
# Idle connections stay below the 128 ports towards one address that a worker in Azure is sure of
# (https://learn.microsoft.com/azure/app-service/troubleshoot-intermittent-outbound-connection-errors).
_POOLS = 8
_LIMITS = httpx.Limits(max_connections=50, max_keepalive_connections=15)
# Kiota's own name for every status that is not named by itself.
_ERRORS: Final = {"XXX": ODataError}

# What Microsoft says in a code and not in the status, from its own error bodies.
_KINDS: dict[str, type[ServiceError]] = {
    # "It is there already", as 400: an occupied user principal name, a role assignment, a member.
    "ObjectConflict": AlreadyExists,
    "RoleAssignmentExists": AlreadyExists,
    "Request_MultipleObjectsWithSameKeyValue": AlreadyExists,
    # A principal that has not replicated yet to the role services
    # (https://learn.microsoft.com/graph/errors names 404 for the rest).
    "SubjectNotFound": Missing,
    # PIM has not finished an earlier request for the same role and principal.
    "PendingRoleAssignmentRequest": Changed,
    "ActiveDurationTooShort": TooSoon,
    # As 400 from PIM, as 403 from the logs.
    "AadPremiumLicenseRequired": Unlicensed,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": Unlicensed,
}
_SOON = 60.0
"""Seconds after which PIM's floor of five minutes is worth another try."""


class Connections:
    """The HTTP connections to Graph, with Microsoft's middleware and without its retries.

    They serve all tenants: every request carries its own tenant's token, and no cookies are kept.
    They lie in several pools, because a pool looks at all of its connections twice in every call.
    """

    def __init__(self) -> None:
        self._transports = [httpx.AsyncHTTPTransport(limits=_LIMITS) for _ in range(_POOLS)]
        self._clients = [_client(transport) for transport in self._transports]
        self._turn = cycle(self._clients)

    def client(self) -> httpx.AsyncClient:
        """The client of one pool, of the next one at every call."""
        return next(self._turn)

    async def close(self) -> None:
        """Close them. Microsoft's middleware does not close the transport that it wraps."""
        for client in self._clients:
            await client.aclose()
        for transport in self._transports:
            await transport.aclose()


def _client(transport: httpx.AsyncHTTPTransport) -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        transport=transport,
        timeout=httpx.Timeout(30.0, connect=10.0),
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
    )
    no_retry = {RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0)}
    made: httpx.AsyncClient = GraphClientFactory.create_with_default_middleware(
        client=client, options={**options, **no_retry}
    )
    return made


class Credential(Protocol):
    """A credential that can be told to start afresh."""

    async def get_token(
        self, *scopes: str, claims: str | None = None, **options: object
    ) -> AccessToken:
        """A token for the scopes; kiota asks for it at every call."""

    def forget(self) -> None:
        """Drop cached tokens: consent and roles show only in new ones."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a collection, and the request for the next one, if there is one."""

    items: list[Answer]
    following: RequestInformation | None


class Graph:
    """Microsoft Graph of one tenant.

    Args:
        cloud: The cloud of the tenant.
        credential: The credential towards this tenant and no other.
        connections: The HTTP connections.
        pace: The tenant's pace, which is told of every 429.
    """

    def __init__(
        self, cloud: Cloud, credential: Credential, connections: Connections, pace: Pace
    ) -> None:
        self.root = f"{cloud.graph}/{GRAPH_VERSION}"
        self._credential = credential
        self._pace = pace
        host = urlsplit(cloud.graph).hostname or ""
        authentication = AzureIdentityAuthenticationProvider(
            credential,  # type: ignore[arg-type]  # it calls get_token and nothing else
            scopes=[cloud.graph_scope],
            allowed_hosts=[host],
        )
        self._adapter = GraphRequestAdapter(authentication, connections.client())
        self._adapter.base_url = self.root
        self.client = GraphServiceClient(request_adapter=self._adapter)
        self._scope = cloud.graph_scope

    async def sign_in(self) -> None:
        """Get a token and do nothing with it; raises as the credential does."""
        await self._credential.get_token(self._scope)

    @contextmanager
    def call(self, operation: str, *, limits_apart: bool = False) -> Iterator[None]:
        """Raise what the SDK raises as one of ours; a refusal also drops the token.

        A 429 silences this app in the tenant, unless the call counts against limits of its own
        (`limits_apart`), as the logs' do: five reports in a row must not hold up an ending.
        """
        try:
            yield
        except APIError as error:
            failure = _classified(operation, error)
            if isinstance(failure, Denied):
                self._credential.forget()
            if isinstance(failure, Throttled) and not limits_apart:
                self._pace.hush(failure.retry_after)
            raise failure from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable("directory", operation) from error

    async def send(self, operation: str, request: RequestInformation) -> None:
        """Send a request whose answer says no more than that it was carried out."""
        with self.call(operation):
            await self._adapter.send_no_response_content_async(self._addressed(request), _ERRORS)

    async def read(
        self, operation: str, request: RequestInformation, *, limits_apart: bool = False
    ) -> Answer:
        """Send a request and read the object that it answers.

        Raises:
            Unavailable: there was none, or only a part of it; what was asked may have been done.
        """
        with self.call(operation, limits_apart=limits_apart):
            body: bytes | None = await self._adapter.send_primitive_async(
                self._addressed(request), "bytes", _ERRORS
            )
        return Answer.parse(operation, body)

    async def collect(self, operation: str, request: RequestInformation) -> list[Answer]:
        """Every item of a collection, all its pages, or an error: never the first pages only."""
        items: list[Answer] = []
        for _ in range(_PAGE_LIMIT):
            page = await self.page(operation, request)
            items += page.items
            if page.following is None:
                return items
            request = page.following
        raise Unavailable("directory", operation)

    async def page(
        self, operation: str, request: RequestInformation, *, limits_apart: bool = False
    ) -> Page:
        """One page of a collection."""
        answer = await self.read(operation, request, limits_apart=limits_apart)
        items = answer.parts("value")
        if items is None:
            # A collection without its array is a truncated answer, not an empty one.
            raise answer.unreadable()
        link = answer.text("@odata.nextLink")
        if link and _origin(link) != _origin(self.root):
            # The tenant's token goes with the request for the next page, and to nobody else.
            raise answer.unreadable()
        return Page(items, _reading(link) if link else None)

    def _addressed(self, request: RequestInformation) -> RequestInformation:
        # The adapter would make the address from its template anew at each of three looks.
        request.path_parameters = {**request.path_parameters, "baseurl": self.root}
        request.path_parameters = {RequestInformation.RAW_URL_KEY: request.url}
        return request


def _reading(link: str) -> RequestInformation:
    request = RequestInformation(Method.GET)
    request.url = link
    request.headers.try_add("Accept", "application/json")
    return request


def _origin(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.scheme, parts.netloc.lower()


def _classified(operation: str, error: APIError) -> ServiceError:
    status = error.response_status_code or 0
    headers = error.response_headers or {}
    codes = _codes(error)
    kind = kind_of(status)
    if kind in {Rejected, Denied}:
        kind = next((_KINDS[code] for code in codes if code in _KINDS), kind)
    retry_after = retry_after_of(headers)
    return kind(
        "directory",
        operation,
        status=status,
        service_code=codes[0] if codes else "",
        request_id=headers.get("request-id", ""),
        retry_after=_SOON if kind is TooSoon and retry_after is None else retry_after,
    )


def _codes(error: APIError) -> list[str]:
    main = getattr(error, "error", None)
    codes = [getattr(main, "code", None)]
    codes += [detail.code for detail in getattr(main, "details", None) or ()]
    return [code for code in codes if code]
