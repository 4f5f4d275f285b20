"""The connection to Microsoft Graph for one tenant, and what its errors mean.

Nothing here retries: kiota's retry handler would sleep inside an activity and give up on any
Retry-After of three minutes, so it is set to zero and the workflow waits on durable timers.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from azure.core.credentials import AccessToken
from kiota_abstractions.api_error import APIError
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware.options import RetryHandlerOption
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

from curfew.azure_errors import kind_of, retry_after_of
from curfew.clouds import Cloud
from curfew.errors import AlreadyExists, Rejected, ServiceError, Unavailable

GRAPH_VERSION = "v1.0"
_PAGE_LIMIT = 1000

# Dialects of "it is there already" that arrive as 400, by code, from Microsoft Graph's own
# error bodies: an occupied user principal name, a role assignment or a member that exists.
_EXISTS_CODES = frozenset(
    {"ObjectConflict", "RoleAssignmentExists", "Request_MultipleObjectsWithSameKeyValue"}
)
# A principal that has not replicated yet to whoever answers is reported as 400 by the role
# services (https://learn.microsoft.com/graph/errors names 404 for the rest).
_NOT_REPLICATED_CODES = frozenset({"SubjectNotFound"})


class Connections:
    """The HTTP connections to Graph, with Microsoft's middleware and without its retries.

    One for all tenants: every request carries its own tenant's token, and no cookies are kept.
    """

    def __init__(self) -> None:
        self._transport = httpx.AsyncHTTPTransport()
        no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
        client = httpx.AsyncClient(
            transport=self._transport,
            timeout=httpx.Timeout(30.0, connect=10.0),
            cookies=no_cookies,
        )
        no_retry = {RetryHandlerOption.get_key(): RetryHandlerOption(max_retries=0)}
        self.client: httpx.AsyncClient = GraphClientFactory.create_with_default_middleware(
            client=client, options={**options, **no_retry}
        )

    async def close(self) -> None:
        """Close them. Microsoft's middleware does not close the transport that it wraps."""
        await self.client.aclose()
        await self._transport.aclose()


class Credential(Protocol):
    """A credential that can be told to start afresh."""

    async def get_token(
        self, *scopes: str, claims: str | None = None, **options: object
    ) -> AccessToken:
        """A token for the scopes; kiota asks for it at every call."""

    def forget(self) -> None:
        """Drop cached tokens: consent and roles show only in new ones."""


type Follow = Callable[[str], Awaitable[Any]]
"""Reads the page at a next link."""


class Graph:
    """Microsoft Graph of one tenant.

    Args:
        cloud: The cloud of the tenant.
        credential: The credential towards this tenant and no other.
        connections: The HTTP connections.
    """

    def __init__(self, cloud: Cloud, credential: Credential, connections: Connections) -> None:
        self.root = f"{cloud.graph}/{GRAPH_VERSION}"
        self._credential = credential
        host = urlsplit(cloud.graph).hostname or ""
        authentication = AzureIdentityAuthenticationProvider(
            credential,  # type: ignore[arg-type]  # it calls get_token and nothing else
            scopes=[cloud.graph_scope],
            allowed_hosts=[host],
        )
        adapter = GraphRequestAdapter(authentication, connections.client)
        adapter.base_url = self.root
        self.client = GraphServiceClient(request_adapter=adapter)

    @contextmanager
    def call(self, operation: str) -> Iterator[None]:
        """Raise what the SDK raises as one of ours; a refusal also drops the token."""
        try:
            yield
        except APIError as error:
            failure = _classified(operation, error)
            if failure.status in {401, 403}:
                self._credential.forget()
            raise failure from error
        except httpx.HTTPError as error:
            raise Unavailable("directory", operation) from error

    async def collect(
        self, operation: str, first: Callable[[], Awaitable[Any]], follow: Follow
    ) -> list[Any]:
        """Every item of a collection, all its pages, or an error: never the first pages only."""
        return [item async for item in self._items(operation, first, follow)]

    async def _items(
        self, operation: str, first: Callable[[], Awaitable[Any]], follow: Follow
    ) -> AsyncIterator[Any]:
        with self.call(operation):
            page = await first()
        for _ in range(_PAGE_LIMIT):
            if page is None or page.value is None:
                # A collection without its array is a truncated answer, not an empty one.
                raise Unavailable("directory", operation)
            for item in page.value:
                yield item
            if not page.odata_next_link:
                return
            with self.call(operation):
                page = await follow(page.odata_next_link)
        raise Unavailable("directory", operation)


def _classified(operation: str, error: APIError) -> ServiceError:
    status = error.response_status_code or 0
    headers = error.response_headers or {}
    codes = _codes(error)
    kind = kind_of(status)
    if kind is Rejected and _EXISTS_CODES.intersection(codes):
        kind = AlreadyExists
    elif kind is Rejected and _NOT_REPLICATED_CODES.intersection(codes):
        kind = kind_of(404)
    return kind(
        "directory",
        operation,
        status=status,
        service_code=codes[0] if codes else "",
        request_id=headers.get("request-id", ""),
        retry_after=retry_after_of(headers),
    )


def _codes(error: APIError) -> list[str]:
    main = getattr(error, "error", None)
    codes = [getattr(main, "code", None)]
    codes += [detail.code for detail in getattr(main, "details", None) or ()]
    return [code for code in codes if code]
