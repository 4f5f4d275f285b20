"""The sign-in page: whoever is chosen from the home tenant's people is signed in."""

import asyncio
import hashlib
import secrets
import time
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from devhost import principal
from devhost.configuration import EasyAuth, Person
from devhost.tokens import http_client

COOKIE = "AppServiceAuthSession"
_HOURS = 8
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
body {{ max-width: 34rem; margin: 10vh auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; margin-bottom: .25rem; }}
p {{ margin-top: 0; opacity: .75; }}
button {{ display: block; width: 100%; margin: .5rem 0; padding: .75rem 1rem; font: inherit;
  text-align: left; border: 1px solid #8888; border-radius: .5rem; background: #8881;
  cursor: pointer; }}
button:hover, button:focus {{ background: #8883; }}
small {{ display: block; opacity: .75; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


class SignIn:
    """Sessions of one host process: its key dies with it, and every cookie too."""

    def __init__(self, settings: EasyAuth) -> None:
        self._settings = settings
        self._key = secrets.token_bytes(32)

    def claims(self, request: Request) -> dict[str, Any] | None:
        """Give the claims of the session that a request carries, if it is ours and alive."""
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            return None
        try:
            session = jwt.decode(
                cookie, self._key, algorithms=["HS256"], options={"require": ["exp"]}
            )
        except jwt.InvalidTokenError:
            return None
        claims: dict[str, Any] = session["claims"]
        return claims

    @staticmethod
    def is_foreign(request: Request) -> bool:
        """Whether a page of another origin made this request change something.

        The cookie's SameSite does not help on localhost: every port there is the same site.
        """
        if request.method in _SAFE_METHODS:
            return False
        if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return True
        origin = request.headers.get("origin") or request.headers.get("referer")
        return bool(origin) and urlsplit(str(origin)).netloc != request.headers.get("host")

    async def handle(self, request: Request) -> Response:
        """Serve everything below `/.auth/`."""
        match request.method, request.url.path.rstrip("/"):
            case "GET", "/.auth/login/aad":
                return await self._page(request)
            case "POST", "/.auth/login/aad/callback":
                return await self._enter(request)
            case "GET", "/.auth/me":
                return self._me(request)
            case "GET", "/.auth/logout":
                return self._leave(request)
            case "GET", "/.auth/logout/complete":
                link = '<p>You are signed out.</p><p><a href="/.auth/login/aad">Sign in</a></p>'
                return _html("Signed out", link)
        return Response(status_code=404)

    async def _people(self) -> list[Person]:
        people = self._settings.people
        if not isinstance(people, str):
            return list(await asyncio.to_thread(people))
        async with http_client(self._settings) as http:
            response = await http.get(people)
            response.raise_for_status()
            return [
                Person(
                    object_id=claims["oid"],
                    name=claims["name"],
                    user_name=claims["preferred_username"],
                    roles=tuple(claims.get("roles", ())),
                    groups=tuple(claims.get("groups", ())),
                )
                for claims in response.json()["people"]
                if claims.get("enabled", True)
            ]

    async def _page(self, request: Request) -> Response:
        query = request.query_params
        target = query.get("post_login_redirect_uri") or query.get("post_login_redirect_url")
        try:
            people = await self._people()
        except (httpx.HTTPError, ValueError, KeyError) as error:
            text = f"<p>The people of the home tenant cannot be listed: {escape(str(error))}</p>"
            return _html("Sign in", text, status=503)
        buttons = "".join(
            f'<button name="person" value="{escape(person.object_id)}">{escape(person.name)}'
            f"<small>{escape(person.user_name)} · "
            f"{escape(', '.join(person.roles) or 'no role')}</small></button>"
            for person in people
        )
        form = (
            "<p>This host plays App Service authentication: pick who you are.</p>"
            '<form method="post" action="/.auth/login/aad/callback">'
            f'<input type="hidden" name="target" value="{escape(_local(target))}">'
            f"{buttons}</form>"
        )
        return _html("Sign in", form)

    async def _enter(self, request: Request) -> Response:
        if self.is_foreign(request):
            return Response(status_code=403)
        form = parse_qs((await request.body()).decode(errors="replace"))
        chosen = form.get("person", [""])[0]
        person = next((p for p in await self._people() if p.object_id == chosen), None)
        if person is None:
            return _html("Sign in", "<p>There is no such person.</p>", status=400)
        now = int(time.time())
        session = {"claims": self._claims_of(person, now), "exp": now + _HOURS * 3600}
        answer = RedirectResponse(_local(form.get("target", [""])[0]), status_code=302)
        answer.set_cookie(
            COOKIE, jwt.encode(session, self._key, "HS256"), httponly=True, samesite="lax"
        )
        return answer

    def _claims_of(self, person: Person, now: int) -> dict[str, Any]:
        audience = self._settings.audience
        return {
            "aud": audience if isinstance(audience, str) else audience[0],
            "iss": self._settings.authority,
            "iat": now,
            "nbf": now,
            "exp": now + _HOURS * 3600,
            "name": person.name,
            "oid": person.object_id,
            "preferred_username": person.user_name,
            "roles": list(person.roles),
            "groups": list(person.groups),
            "sub": _pairwise(person.object_id, str(audience)),
            "tid": self._settings.home_tenant,
            "ver": "2.0",
        }

    def _me(self, request: Request) -> Response:
        claims = self.claims(request)
        if claims is None:
            return Response(status_code=401)
        return JSONResponse(
            [
                {
                    "provider_name": "aad",
                    "user_id": principal.display_name(claims),
                    "user_claims": principal.claim_list(claims),
                }
            ]
        )

    @staticmethod
    def _leave(request: Request) -> Response:
        target = request.query_params.get("post_logout_redirect_uri")
        answer = RedirectResponse(
            _local(target) if target else "/.auth/logout/complete", status_code=302
        )
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer


def _pairwise(object_id: str, audience: str) -> str:
    """The subject of an ID token: the same person is another one to each application."""
    return hashlib.sha256(f"{object_id} {audience}".encode()).hexdigest()[:43]


def _local(target: str | None) -> str:
    """Keep a redirect on this host: only a plain absolute path is followed."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    return target if target.isprintable() else "/"


def _html(title: str, body: str, status: int = 200) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status, headers)
