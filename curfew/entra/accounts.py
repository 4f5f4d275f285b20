"""User accounts of one tenant: made, looked at, enabled, disabled, given a password."""

from dataclasses import dataclass
from datetime import UTC, datetime

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.user import User
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from pydantic import SecretStr

from curfew.entra.graph import Graph
from curfew.errors import Missing, Unavailable

_SELECT = [
    "id",
    "userPrincipalName",
    "accountEnabled",
    "employeeType",
    "onPremisesSyncEnabled",
    "userType",
    "lastPasswordChangeDateTime",
    "signInSessionsValidFromDateTime",
]
_READINGS = 3


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the directory shows it; its times are whole seconds in UTC.

    `sessions_valid_from` is before which moment no refresh token counts any more.
    """

    id: str
    user_principal_name: str
    enabled: bool
    mark: str
    synced: bool
    guest: bool
    password_changed_at: datetime | None
    sessions_valid_from: datetime | None


class Accounts:
    """The accounts of one tenant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def create_disabled(
        self, user_principal_name: str, display_name: str, mark: str, password: SecretStr
    ) -> str:
        """Create an account that nobody can use yet, and answer its object id.

        The mark stands in `employeeType`, which only an administrator of the tenant can write.

        Raises:
            AlreadyExists: the name is taken, perhaps by an earlier try of this very call.
            Unavailable: no answer; the account may exist.
        """
        user = User(
            account_enabled=False,
            display_name=display_name,
            mail_nickname=user_principal_name.split("@", 1)[0],
            user_principal_name=user_principal_name,
            employee_type=mark,
            # A password that only the vault knows must not age out between two grants.
            password_policies="DisablePasswordExpiration",  # noqa: S106 - a policy's name
            password_profile=_profile(password),
        )
        with self._graph.call("create account"):
            created = await self._graph.client.users.post(user)
        if created is None or not created.id:
            raise Unavailable("directory", "create account")
        return created.id

    async def get(self, id_or_name: str) -> Account:
        """An account by object id or user principal name.

        Raises:
            Missing: not there, or not there yet on the replica that answered.
        """
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=_SELECT)
        with self._graph.call("read account"):
            user = await self._graph.client.users.by_user_id(id_or_name).get(
                request_configuration=RequestConfiguration(query_parameters=query)
            )
        if user is None or not user.id or user.account_enabled is None:
            # Half an answer is no answer: what is unreadable is not "disabled".
            raise Unavailable("directory", "read account")
        return Account(
            id=user.id,
            user_principal_name=user.user_principal_name or "",
            enabled=user.account_enabled,
            mark=user.employee_type or "",
            synced=bool(user.on_premises_sync_enabled),
            guest=(user.user_type or "Member") != "Member",
            password_changed_at=_utc(user.last_password_change_date_time),
            sessions_valid_from=_utc(user.sign_in_sessions_valid_from_date_time),
        )

    async def find(self, id_or_name: str) -> Account | None:
        """As `get`, None where the directory says 404."""
        try:
            return await self.get(id_or_name)
        except Missing:
            return None

    async def look(self, account_id: str) -> Account | None:
        """The account, None only when several readings in a row say 404.

        One 404 proves nothing: replicas lag behind each other and answer in turns.
        """
        for _ in range(_READINGS):
            if (account := await self.find(account_id)) is not None:
                return account
        return None

    async def is_deleted(self, account_id: str) -> bool:
        """Whether the account is in the bin, from which it can be restored for 30 days."""
        item = self._graph.client.directory.deleted_items.by_directory_object_id(account_id)
        try:
            with self._graph.call("read deleted account"):
                return await item.get() is not None
        except Missing:
            return False

    async def purge(self, account_id: str) -> None:
        """Empty the bin of the account: restored, it would have its roles and password back."""
        item = self._graph.client.directory.deleted_items.by_directory_object_id(account_id)
        try:
            with self._graph.call("purge deleted account"):
                await item.delete()
        except Missing:
            return

    async def set_enabled(self, account_id: str, *, enabled: bool) -> None:
        """Let the account sign in, or not. One sensitive property per call.

        Microsoft refuses a PATCH of several as a whole when it refuses one, and disabling must
        never fail for the sake of a password.
        """
        await self._patch("set accountEnabled", account_id, User(account_enabled=enabled))

    async def set_password(self, account_id: str, password: SecretStr) -> None:
        """Set the password; it is not asked to be changed at sign-in, or the vault's were dead."""
        await self._patch("set password", account_id, User(password_profile=_profile(password)))

    async def revoke_sessions(self, account_id: str) -> None:
        """Refuse every refresh token issued so far. Access tokens live out their hour."""
        with self._graph.call("revoke sessions"):
            await self._graph.client.users.by_user_id(account_id).revoke_sign_in_sessions.post()

    async def _patch(self, operation: str, account_id: str, user: User) -> None:
        with self._graph.call(operation):
            await self._graph.client.users.by_user_id(account_id).patch(user)


def _profile(password: SecretStr) -> PasswordProfile:
    return PasswordProfile(
        password=password.get_secret_value(), force_change_password_next_sign_in=False
    )


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
