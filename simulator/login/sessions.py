"""Sessions of signed-in people, as far as a refresh token carries them."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(eq=False)
class Session:
    """One sign-in that can be refreshed until it is revoked or, with a pass, runs out."""

    tenant: str
    user: str
    app_id: str
    methods: tuple[str, ...]
    ends: datetime | None = None
    revoked: bool = False
    refresh_token: str = field(default_factory=lambda: "1." + secrets.token_urlsafe(48))


class Sessions:
    """Every session that was opened, by its refresh token."""

    def __init__(self) -> None:
        self._by_token: dict[str, Session] = {}

    def open(self, session: Session) -> Session:
        """Keep a session."""
        self._by_token[session.refresh_token] = session
        return session

    def find(self, refresh_token: str) -> Session | None:
        """The session of a refresh token, revoked or not."""
        return self._by_token.get(refresh_token)

    def revoke(self, tenant: str, user: str) -> None:
        """End every session of a user; new ones may be opened."""
        for session in self.of(tenant, user):
            session.revoked = True

    def of(self, tenant: str, user: str) -> list[Session]:
        """Every session of a user, ended ones included."""
        return [
            session
            for session in list(self._by_token.values())
            if session.tenant == tenant and session.user == user
        ]
