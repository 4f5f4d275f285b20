"""Signing keys and the JSON web tokens made with them."""

import base64
import hashlib
import hmac
import json
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


class SigningKey:
    """An RSA key pair with a key id."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public = self.private.public_key()
        numbers = self.public.public_numbers()
        digest = hashlib.sha256(numbers.n.to_bytes(256, "big")).digest()
        self.key_id = _encoded(digest[:20])

    def public_document(self) -> dict[str, Any]:
        """The public half as a JSON web key."""
        document: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self.public))
        return document | {"kid": self.key_id, "x5t": self.key_id, "use": "sig", "alg": "RS256"}


class Keys:
    """The published signing key, and one that is not published, for forgeries."""

    def __init__(self) -> None:
        self.signing = SigningKey()

    @cached_property
    def unpublished(self) -> SigningKey:
        """A key that no key set lists."""
        return SigningKey()

    def sign(
        self, claims: dict[str, Any], *, key: str = "signing", algorithm: str = "RS256"
    ) -> str:
        """A token with these claims.

        `key` is `signing` or `unpublished`; an unpublished key still claims the published key
        id, as a forger would. `algorithm` may be `none`, or `HS256` with the public key as its
        secret, the two classic forgeries.
        """
        header = {"kid": self.signing.key_id}
        if algorithm == "none":
            return jwt.encode(claims, "", algorithm="none", headers=header)
        if algorithm == "HS256":
            return self._confused(header | {"typ": "JWT", "alg": "HS256"}, claims)
        chosen = self.unpublished if key == "unpublished" else self.signing
        return jwt.encode(claims, chosen.private, algorithm=algorithm, headers=header)

    def _confused(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A token whose HMAC key is the public key; libraries refuse to make one."""
        parts = [_encoded(json.dumps(part).encode()) for part in (header, claims)]
        secret = self.signing.public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        signature = hmac.digest(secret, ".".join(parts).encode(), "sha256")
        return ".".join([*parts, _encoded(signature)])

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token that this cloud signed and that is valid now.

        Raises `jwt.InvalidTokenError` for anything else. Audience and issuer are the caller's
        to check.
        """
        claims: dict[str, Any] = jwt.decode(
            token,
            self.signing.public,
            algorithms=["RS256"],
            options={"verify_aud": False, "require": ["exp", "iat", "iss", "aud"]},
        )
        return claims


def peek(token: str) -> dict[str, Any]:
    """The claims of a token without believing them; empty when it is no token at all."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
    return claims


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
