"""How an account can sign in: the methods registered for it, and Temporary Access Passes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgraph.generated.models.authentication_method import AuthenticationMethod
from msgraph.generated.models.authentication_method_state import AuthenticationMethodState
from msgraph.generated.models.temporary_access_pass_authentication_method import (
    TemporaryAccessPassAuthenticationMethod,
)
from msgraph.generated.models.temporary_access_pass_authentication_method_configuration import (
    TemporaryAccessPassAuthenticationMethodConfiguration,
)
from pydantic import SecretStr

from curfew.entra.graph import Graph
from curfew.errors import Missing, Rejected, Unavailable

_TYPE = "#microsoft.graph."
PASSWORD = f"{_TYPE}passwordAuthenticationMethod"
PASS = f"{_TYPE}temporaryAccessPassAuthenticationMethod"
_EMAIL = f"{_TYPE}emailAuthenticationMethod"
_PASS_POLICY_ID = "temporaryAccessPass"  # noqa: S105 - the name of a policy

# Microsoft keeps each kind of method in a collection of its own; only there can it be deleted.
COLLECTIONS = {
    "temporaryAccessPassAuthenticationMethod": "temporary_access_pass_methods",
    "phoneAuthenticationMethod": "phone_methods",
    "emailAuthenticationMethod": "email_methods",
    "fido2AuthenticationMethod": "fido2_methods",
    "microsoftAuthenticatorAuthenticationMethod": "microsoft_authenticator_methods",
    "softwareOathAuthenticationMethod": "software_oath_methods",
    "windowsHelloForBusinessAuthenticationMethod": "windows_hello_for_business_methods",
    "platformCredentialAuthenticationMethod": "platform_credential_methods",
    "externalAuthenticationMethod": "external_authentication_methods",
}


@dataclass(frozen=True, slots=True)
class Method:
    """A sign-in method of an account; `kind` is Microsoft's type name."""

    id: str
    kind: str

    @property
    def has_own_id(self) -> bool:
        """Whether the id is this method's alone, so that another cannot take its place.

        The ids of phone and e-mail methods are the same for every user and every number
        (https://learn.microsoft.com/graph/api/resources/phoneauthenticationmethod); a pass lives
        for one grant only.
        """
        return self.kind not in {PASS, f"{_TYPE}phoneAuthenticationMethod", _EMAIL}


@dataclass(frozen=True, slots=True)
class PassPolicy:
    """What the tenant allows of Temporary Access Passes; lifetimes in whole minutes."""

    enabled: bool
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class TemporaryAccessPass:
    """A pass as created: the only time Microsoft tells its value."""

    value: SecretStr
    usable: bool
    usability: str
    lifetime: int
    created_at: datetime | None


class Methods:
    """The sign-in methods of the accounts of one tenant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def registered(self, account_id: str) -> list[Method]:
        """Every method of an account but its password, which cannot be removed, only changed."""
        builder = self._of(account_id).methods
        methods: list[AuthenticationMethod] = await self._graph.collect(
            "read sign-in methods", builder.get, lambda link: builder.with_url(link).get()
        )
        found = [Method(method.id or "", method.odata_type or "") for method in methods]
        return [method for method in found if method.kind != PASSWORD]

    async def remove(self, account_id: str, method: Method) -> None:
        """Remove a method. One that is gone is done.

        Raises:
            Rejected: a kind of method that this release cannot remove; the ending stays open.
        """
        kind = method.kind.removeprefix(_TYPE)
        if kind not in COLLECTIONS:
            raise Rejected("directory", "remove sign-in method", service_code="UnknownMethod")
        by_id = deletion_of(self._of(account_id), COLLECTIONS[kind])
        try:
            with self._graph.call("remove sign-in method"):
                await by_id(method.id).delete()
        except Missing:
            return

    async def pass_policy(self) -> PassPolicy:
        """The tenant's policy for Temporary Access Passes."""
        policy = self._graph.client.policies.authentication_methods_policy
        configurations = policy.authentication_method_configurations
        with self._graph.call("read pass policy"):
            found = await configurations.by_authentication_method_configuration_id(
                _PASS_POLICY_ID
            ).get()
        if not isinstance(found, TemporaryAccessPassAuthenticationMethodConfiguration):
            raise Unavailable("directory", "read pass policy")
        return PassPolicy(
            enabled=found.state is AuthenticationMethodState.Enabled,
            shortest=found.minimum_lifetime_in_minutes or 60,
            longest=found.maximum_lifetime_in_minutes or 480,
        )

    async def create_pass(self, account_id: str, lifetime: int) -> TemporaryAccessPass:
        """Create a pass of so many minutes; it replaces one that is still valid."""
        wanted = TemporaryAccessPassAuthenticationMethod(
            lifetime_in_minutes=lifetime, is_usable_once=False
        )
        with self._graph.call("create pass"):
            made = await self._of(account_id).temporary_access_pass_methods.post(wanted)
        if made is None or not made.temporary_access_pass:
            raise Unavailable("directory", "create pass")
        return TemporaryAccessPass(
            value=SecretStr(made.temporary_access_pass),
            usable=bool(made.is_usable),
            usability=made.method_usability_reason or "",
            lifetime=made.lifetime_in_minutes or lifetime,
            created_at=made.created_date_time,
        )

    def _of(self, account_id: str) -> Any:  # noqa: ANN401 - a generated builder of the SDK
        return self._graph.client.users.by_user_id(account_id).authentication


def deletion_of(authentication: Any, collection: str) -> Callable[[str], Any]:  # noqa: ANN401 - SDK
    """The accessor of one item of a collection, by the SDK's naming of its generated builders."""
    stem = collection.removesuffix("_methods").removesuffix("_authentication")
    by_id: Callable[[str], Any] = getattr(
        getattr(authentication, collection), f"by_{stem}_authentication_method_id"
    )
    return by_id
