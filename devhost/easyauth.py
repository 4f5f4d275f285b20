"""App Service authentication in front of every request, in its AllowAnonymous mode."""

from starlette.requests import Request
from starlette.responses import Response

from devhost import principal
from devhost.configuration import EasyAuth
from devhost.logbook import Logbook
from devhost.signin import SignIn
from devhost.tokens import AuthorityUnavailable, InvalidToken, TokenVerifier


class Gate:
    """Decides which headers the app gets to see, or answers in the app's place."""

    def __init__(self, settings: EasyAuth, log: Logbook) -> None:
        self._tokens = TokenVerifier(settings)
        self.sign_in = SignIn(settings)
        self._log = log

    async def close(self) -> None:
        """Close the connections to the authority."""
        await self._tokens.close()

    async def admit(self, request: Request, headers: dict[str, str]) -> dict[str, str] | Response:
        """Give the request's headers with the platform's principal, never with the client's.

        A bearer token that does not hold is answered with 401; no token at all passes without a
        principal, and the app decides.
        """
        clean = principal.without_principal(headers)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            try:
                claims = await self._tokens.claims(token.strip())
            except InvalidToken as reason:
                self._log.host("WARNING", f"A bearer token was refused: {reason}")
                return Response(status_code=401, headers={"WWW-Authenticate": "Bearer"})
            except AuthorityUnavailable as reason:
                self._log.host("ERROR", f"Bearer tokens cannot be checked: {reason}")
                return Response(status_code=503)
            return clean | principal.headers_of(claims)
        session = self.sign_in.claims(request)
        if session is None:
            return clean
        if self.sign_in.is_foreign(request):
            self._log.host("WARNING", "A page of another origin tried to use a session.")
            return Response(status_code=403)
        return clean | principal.headers_of(session)
