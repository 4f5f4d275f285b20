"""The API as an administrator's command sees it: a token that is never shown, and plain reasons."""

import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

type Document = dict[str, Any]
type TokenSource = Callable[[], str]

_TLS_OR_LOCAL = re.compile(r"https://[^/?#@]+|http://(?:localhost|127\.0\.0\.1)(?::[0-9]+)?")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
_TRIES = 5
_PAUSE = 2.0
_LONGEST_PAUSE = 30.0
_FRESH = 300


class CouldNot(Exception):
    """Something could not be done; the text says what and why, for the person at the keyboard."""


class Administrator:
    """Calls the API. What is temporarily unavailable is tried again, everything else is told."""

    def __init__(self, address: str, token: TokenSource) -> None:
        base = address.rstrip("/")
        if not _TLS_OR_LOCAL.fullmatch(base):
            # Anything else would show the token to whoever listens.
            message = "The address must be https://… without a path."
            raise CouldNot(message)
        self._token = token
        self._http = httpx.Client(base_url=base, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def read(self, path: str) -> Document | None:
        """What is there; None where there is nothing.

        Raises:
            CouldNot: it cannot be read.
        """
        answer = self._send("GET", path)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _document(answer)

    def write(self, method: str, path: str, body: Document) -> Document:
        """What a change came to.

        Raises:
            CouldNot: the API refuses; with every reason that it gave.
        """
        return _document(self._send(method, path, body))

    def _send(self, method: str, path: str, body: Document | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token()}"}
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                if attempt == _TRIES:
                    message = f"{self._http.base_url} does not answer."
                    raise CouldNot(message) from error
            else:
                passing = answer.status_code in {
                    HTTPStatus.TOO_MANY_REQUESTS,
                    HTTPStatus.SERVICE_UNAVAILABLE,
                }
                if not passing or attempt == _TRIES:
                    return answer
            time.sleep(min(_PAUSE * attempt, _LONGEST_PAUSE))
        raise AssertionError


def token_source(environment: Mapping[str, str], scope: str) -> TokenSource:
    """A token from the environment, or from the Azure CLI for a scope.

    Raises:
        CouldNot: neither is there.
    """
    if given := environment.get("CURFEW_TOKEN", "").strip():
        if not _TOKEN.fullmatch(given):
            message = "CURFEW_TOKEN holds no token: it is the bare token, without a word before it."
            raise CouldNot(message)
        return lambda: given
    if not scope:
        message = (
            "Say for whom the Azure CLI is to sign in (--scope api://<app id>/.default), or put a "
            "token into the environment variable CURFEW_TOKEN."
        )
        raise CouldNot(message)
    return _AzureCli(scope)


class _AzureCli:
    """Tokens of whoever is signed in to the Azure CLI; a new one shortly before the last ends."""

    def __init__(self, scope: str) -> None:
        from azure.identity import AzureCliCredential

        self._credential = AzureCliCredential()
        self._scope = scope
        self._token = ""
        self._ends = 0.0

    def __call__(self) -> str:
        from azure.core.exceptions import ClientAuthenticationError

        if self._ends - time.time() < _FRESH:
            try:
                found = self._credential.get_token(self._scope)
            except ClientAuthenticationError as error:
                # The CLI's own words may quote what it was given.
                message = (
                    "The Azure CLI gives no token for this scope: run `az login` for the home "
                    "tenant, as an administrator of Curfew."
                )
                raise CouldNot(message) from error
            self._token, self._ends = found.token, float(found.expires_on)
        return self._token


def _document(answer: httpx.Response) -> Document:
    try:
        document: Any = answer.json()
    except (ValueError, RecursionError):
        document = None
    if answer.is_success and isinstance(document, dict):
        return document
    raise CouldNot(_reason(answer, document))


def _reason(answer: httpx.Response, document: object) -> str:
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return "Curfew does not accept the token: is it of the home tenant, and for Curfew's API?"
    if not isinstance(document, dict) or "detail" not in document:
        return f"Curfew answered {answer.status_code} to {answer.request.url.path}."
    fields = [each for each in document.get("errors") or () if isinstance(each, dict)]
    named = [f"{each.get('field')}: {each.get('detail')}" for each in fields]
    return "\n".join(named) if named else str(document["detail"])
