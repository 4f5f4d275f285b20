"""A small OpenID issuer: enough to sign tokens that are right, and wrong in every way."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from devhost.listening import listen

TENANT = "11111111-1111-4111-8111-111111111111"
AUDIENCE = "api://sample"


class Issuer:
    """Serves its configuration and keys, and signs what a test asks for."""

    def __init__(self) -> None:
        self.keys = {"first": new_key()}
        self.fetches = 0
        self.url = ""

    @property
    def authority(self) -> str:
        return f"{self.url}/{TENANT}/v2.0"

    def token(self, key_id: str = "first", **changes: Any) -> str:
        """Sign a good token, except for the claims that are changed (or, as None, left out)."""
        claims = self.claims() | changes
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self.keys[key_id], "RS256", headers={"kid": key_id})

    def claims(self) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": self.authority,
            "aud": AUDIENCE,
            "tid": TENANT,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "oid": "22222222-2222-4222-8222-222222222222",
            "sub": "subject",
            "name": "Ann Example",
            "preferred_username": "ann@example.org",
            "roles": ["Technician", "Approver"],
            "azp": "33333333-3333-4333-8333-333333333333",
            "ver": "2.0",
        }

    def answer(self, path: str) -> dict[str, Any] | None:
        if path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            return {"issuer": self.authority, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            self.fetches += 1
            return {"keys": [public_jwk(key, key_id) for key_id, key in self.keys.items()]}
        if path == "/people":
            return {
                "people": [
                    {
                        "oid": "44444444-4444-4444-8444-444444444444",
                        "name": "Ben <script>",
                        "preferred_username": "ben@example.org",
                        "roles": ["Administrator"],
                    },
                    {
                        "oid": "55555555-5555-4555-8555-555555555555",
                        "name": "Gone Away",
                        "preferred_username": "gone@example.org",
                        "enabled": False,
                    },
                ]
            }
        return None


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(key: rsa.RSAPrivateKey, key_id: str) -> dict[str, Any]:
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": key_id, "use": "sig", "alg": "RS256"}


@contextmanager
def serve() -> Iterator[Issuer]:
    issuer = Issuer()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answer = issuer.answer(scope["path"])
        await JSONResponse(answer, 200 if answer else 404)(scope, receive, send)

    listener = listen("127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield issuer
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
