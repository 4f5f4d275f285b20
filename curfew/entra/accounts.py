"""User accounts of one tenant: made, looked at, enabled, disabled, given a password."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.user import User
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from pydantic import SecretStr

from curfew.entra.answers import Answer
from curfew.entra.graph import Graph
from curfew.errors import Missing

_SELECT = [
    "id",
    "userPrincipalName",
    "displayName",
    "accountEnabled",
    "employeeType",
    "onPremisesSyncEnabled",
    "userType",
    "lastPasswordChangeDateTime",
    "signInSessionsValidFromDateTime",
]
_READINGS = 3
_MOST_IN_A_FILTER = 15
"""Graph takes no more values than this after `in`."""


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
    display_name: str = ""


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
        request = self._graph.client.users.to_post_request_information(user)
        return (await self._graph.read("create account", request)).id

    async def get(self, id_or_name: str) -> Account:
        """An account by object id or user principal name.

        Raises:
            Missing: not there, or not there yet on the replica that answered.
        """
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=_SELECT)
        request = self._graph.client.users.by_user_id(id_or_name).to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return _account(await self._graph.read("read account", request))

    async def managed(self, prefix: str) -> list[Account]:
        """Every account whose user principal name starts with a prefix; those in the bin do not.

        A name is a hint and no proof: whose account it is, its mark and the records tell.
        """
        text = prefix.replace("'", "''")
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=f"startswith(userPrincipalName,'{text}')", select=_SELECT
        )
        request = self._graph.client.users.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        return [_account(user) for user in await self._graph.collect("list accounts", request)]

    async def known(self, account_ids: Iterable[str]) -> dict[str, Account]:
        """Those of several accounts that the directory knows, by object id."""
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters
        found: list[Answer] = []
        for some in batched(dict.fromkeys(account_ids), _MOST_IN_A_FILTER, strict=False):
            ids = ",".join(f"'{account_id}'" for account_id in some)
            request = self._graph.client.users.to_get_request_information(
                RequestConfiguration(
                    query_parameters=query(filter=f"id in ({ids})", select=_SELECT)
                )
            )
            found += await self._graph.collect("read accounts", request)
        return {user.id: _account(user) for user in found}

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

    async def delete(self, account_id: str) -> None:
        """Put the account into the bin, where it keeps its roles. One that is gone is done."""
        request = self._graph.client.users.by_user_id(account_id).to_delete_request_information()
        with suppress(Missing):
            await self._graph.send("delete account", request)

    async def is_deleted(self, account_id: str) -> bool:
        """Whether the account is in the bin, from which it can be restored for 30 days."""
        item = self._graph.client.directory.deleted_items.by_directory_object_id(account_id)
        try:
            await self._graph.read("read deleted account", item.to_get_request_information())
        except Missing:
            return False
        return True

    async def purge(self, account_id: str) -> None:
        """Empty the bin of the account: restored, it would have its roles and password back."""
        item = self._graph.client.directory.deleted_items.by_directory_object_id(account_id)
        with suppress(Missing):
            await self._graph.send("purge deleted account", item.to_delete_request_information())

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
        builder = self._graph.client.users.by_user_id(account_id).revoke_sign_in_sessions
        await self._graph.send("revoke sessions", builder.to_post_request_information())

    async def _patch(self, operation: str, account_id: str, user: User) -> None:
        builder = self._graph.client.users.by_user_id(account_id)
        await self._graph.send(operation, builder.to_patch_request_information(user))


def _account(user: Answer) -> Account:
    enabled = user.flag("accountEnabled")
    if enabled is None:
        # Half an answer is no answer: what is unreadable is not "disabled".
        raise user.unreadable()
    return Account(
        id=user.id,
        user_principal_name=user.text("userPrincipalName") or "",
        enabled=enabled,
        mark=user.text("employeeType") or "",
        synced=bool(user.flag("onPremisesSyncEnabled")),
        guest=(user.text("userType") or "Member") != "Member",
        password_changed_at=user.moment("lastPasswordChangeDateTime"),
        sessions_valid_from=user.moment("signInSessionsValidFromDateTime"),
        display_name=user.text("displayName") or "",
    )


def _profile(password: SecretStr) -> PasswordProfile:
    return PasswordProfile(
        password=password.get_secret_value(), force_change_password_next_sign_in=False
    )
