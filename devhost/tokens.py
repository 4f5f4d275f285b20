"""Checks bearer tokens against an OpenID authority."""

import asyncio
import ssl
import time
from typing import Any

import httpx
import jwt

from devhost.configuration import EasyAuth

_REFETCH_SECONDS = 5.0
_REQUIRED = ["exp", "nbf", "iat", "aud", "iss"]


class InvalidToken(Exception):
    """The token is not one to believe. The message says why and never quotes the token."""


class AuthorityUnavailable(Exception):
    """The authority's configuration or keys cannot be read: no token can be judged."""


class TokenVerifier:
    """Accepts RS256 tokens of one issuer, audience and tenant. Keys are cached by their id."""

    def __init__(self, settings: EasyAuth) -> None:
        self._settings = settings
        self._keys: dict[str, jwt.PyJWK] = {}
        self._issuer = ""
        self._fetched = -_REFETCH_SECONDS
        self._lock = asyncio.Lock()
        self._http = http_client(settings)

    async def close(self) -> None:
        """Close the connections to the authority."""
        await self._http.aclose()

    async def claims(self, token: str) -> dict[str, Any]:
        """Verify a token and give its claims; InvalidToken or AuthorityUnavailable otherwise."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise InvalidToken("it is not a token") from error
        if header.get("alg") != "RS256":
            raise InvalidToken("it is not signed with RS256")
        key = await self._key(str(header.get("kid", "")))
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._settings.audience,
                issuer=self._issuer,
                options={"require": _REQUIRED},
            )
        except jwt.InvalidTokenError as error:
            raise InvalidToken(f"{type(error).__name__}: {error}") from error
        if claims.get("tid") != self._settings.home_tenant:
            raise InvalidToken("it is from another tenant")
        return claims

    async def _key(self, key_id: str) -> jwt.PyJWK:
        async with self._lock:
            # A new key is met by a token that names it; a flood of made-up names must not become
            # a flood of fetches.
            if key_id not in self._keys and time.monotonic() - self._fetched >= _REFETCH_SECONDS:
                await self._fetch()
                self._fetched = time.monotonic()
            if key_id not in self._keys:
                raise InvalidToken("it is signed with an unknown key")
            return self._keys[key_id]

    async def _fetch(self) -> None:
        base = self._settings.authority.rstrip("/")
        try:
            document = await self._get(f"{base}/.well-known/openid-configuration")
            keys = jwt.PyJWKSet.from_dict(await self._get(document["jwks_uri"]))
            self._issuer = str(document["issuer"])
        except (httpx.HTTPError, ValueError, KeyError, jwt.PyJWTError) as error:
            raise AuthorityUnavailable(f"{base}: {type(error).__name__}: {error}") from error
        self._keys = {key.key_id: key for key in keys.keys if key.key_id}

    async def _get(self, url: str) -> dict[str, Any]:
        response = await self._http.get(url)
        response.raise_for_status()
        document: dict[str, Any] = response.json()
        return document


def http_client(settings: EasyAuth) -> httpx.AsyncClient:
    """Make a client that trusts the authority's certificate."""
    ca_file = str(settings.ca_file) if settings.ca_file else None
    context = ssl.create_default_context(cafile=ca_file)
    return httpx.AsyncClient(verify=context, timeout=10, trust_env=False)
