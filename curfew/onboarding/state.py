"""The state of a consent address: what proves that an answer belongs to a question of ours.

A JSON Web Token (HS256) that carries the invitation's id, the tenant and its end, and nothing
else. Its header names the version of the vault's key that signed it, so that a key can be
replaced while addresses signed with the one before are still under way.
"""

import asyncio
import re
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic import SecretStr

from curfew.clock import Clock
from curfew.errors import LapsedState, ServiceError, Unavailable, UntrustedState
from curfew.model.onboarding import Invitation
from curfew.model.tenants import STATE_KEY

_ALGORITHM = "HS256"
_TYPE = "curfew-consent+jwt"
_LONGEST = 1000
_SHAPE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}")
_GOOD_FOR = timedelta(minutes=10)
_LOOK_AGAIN = timedelta(minutes=1)
_RECOVERS = timedelta(seconds=5)


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a state says that holds."""

    invitation: str
    tenant: str


class KeyReader(Protocol):
    """The enabled versions of a key in the vault, the newest last; with `make` at least one."""

    def __call__(self, name: str, *, make: bool) -> Awaitable[dict[str, SecretStr]]:
        """Read them."""


class States:
    """Signs and checks states.

    The keys are kept in this process. A state that names a key that is not among them has the
    vault looked at once a minute at most, however many such states come: they cost their sender
    more than they cost us. A vault that does not answer is left alone for a few seconds.
    """

    def __init__(self, keys: KeyReader, now: Clock) -> None:
        self._read_keys = keys
        self._now = now
        self._keys: dict[str, SecretStr] = {}
        self._looked_at = _NEVER
        self._failed_at = _NEVER
        self._turn = asyncio.Lock()

    async def sign(self, invitation: Invitation) -> str:
        """The state of an invitation's address."""
        import jwt

        async with self._turn:
            if not self._keys or self._age() >= _GOOD_FOR:
                await self._look(make=True)
            version, key = list(self._keys.items())[-1]
        claims = {
            "jti": invitation.id,
            "tid": invitation.tenant,
            "exp": int(invitation.expires_at.timestamp()),
        }
        headers = {"kid": version, "typ": _TYPE}
        return jwt.encode(claims, key.get_secret_value(), _ALGORITHM, headers)

    async def read(self, state: str) -> Claims:
        """What a state says.

        Raises:
            UntrustedState: Curfew has not signed it.
            LapsedState: it has, and its time is over.
        """
        import jwt

        key = await self._key(_version_of(state))
        try:
            # Its end is held against our own clock, after the signature.
            claims = jwt.decode(
                state,
                key.get_secret_value(),
                algorithms=[_ALGORITHM],
                options={"require": ["exp", "jti", "tid"], "verify_exp": False},
            )
            end = datetime.fromtimestamp(int(claims["exp"]), UTC)
            found = Claims(str(claims["jti"]), str(claims["tid"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, OSError):
            raise _untrusted() from None
        if end <= self._now():
            message = "The consent address is no longer good."
            raise LapsedState(message)
        return found

    async def _key(self, version: str) -> SecretStr:
        async with self._turn:
            too_old = self._age() >= _GOOD_FOR
            unknown = version not in self._keys and self._age() >= _LOOK_AGAIN
            if too_old or unknown:
                await self._look(make=False)
            if version not in self._keys:
                raise _untrusted()
            return self._keys[version]

    def _age(self) -> timedelta:
        return self._now() - self._looked_at

    async def _look(self, *, make: bool) -> None:
        if self._now() - self._failed_at < _RECOVERS:
            raise Unavailable("vault", "read state keys")
        try:
            self._keys = await self._read_keys(STATE_KEY, make=make)
        except ServiceError:
            self._failed_at = self._now()
            raise
        self._looked_at = self._now()


def _version_of(state: str) -> str:
    """The version of the key that a state says it was signed with."""
    import jwt

    if len(state) > _LONGEST or not _SHAPE.fullmatch(state):
        raise _untrusted()
    try:
        header = jwt.get_unverified_header(state)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        raise _untrusted() from None
    version = header.get("kid")
    if header.get("alg") != _ALGORITHM or header.get("typ") != _TYPE or not version:
        raise _untrusted()
    return str(version)


def _untrusted() -> UntrustedState:
    message = "The state of the consent answer is none that Curfew has signed."
    return UntrustedState(message)
