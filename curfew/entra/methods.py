"""How an account can sign in: the methods registered for it, and Temporary Access Passes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgraph.generated.models.temporary_access_pass_authentication_method import (
    TemporaryAccessPassAuthenticationMethod,
)
from pydantic import SecretStr

from curfew.entra.answers import Answer
from curfew.entra.graph import Graph
from curfew.errors import Missing, Rejected

_TYPE = "#microsoft.graph."
PASSWORD = f"{_TYPE}passwordAuthenticationMethod"
PASS = f"{_TYPE}temporaryAccessPassAuthenticationMethod"
_EMAIL = f"{_TYPE}emailAuthenticationMethod"
_PASS_POLICY = f"{PASS}Configuration"
_PASS_POLICY_ID = "temporaryAccessPass"  # noqa: S105 - the name of a policy
EVERYBODY = "all_users"
"""The target of a policy that is for everybody, in the place of a group's id."""

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
    """What the tenant allows of Temporary Access Passes; lifetimes in whole minutes.

    Who may sign in with one: members of the groups in `targets` that are in none of `excluded`.
    """

    enabled: bool
    shortest: int
    longest: int
    usable_once: bool = False
    targets: frozenset[str] = frozenset({EVERYBODY})
    excluded: frozenset[str] = frozenset()


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
        request = self._of(account_id).methods.to_get_request_information()
        found = await self._graph.collect("read sign-in methods", request)
        return [Method(each.id, each.kind) for each in found if each.kind != PASSWORD]

    async def remove(self, account_id: str, method: Method) -> None:
        """Remove a method. One that is gone is done.

        Raises:
            Rejected: a kind of method that this release cannot remove; the ending stays open.
        """
        kind = method.kind.removeprefix(_TYPE)
        if kind not in COLLECTIONS:
            raise Rejected("directory", "remove sign-in method", service_code="UnknownMethod")
        by_id = deletion_of(self._of(account_id), COLLECTIONS[kind])
        with suppress(Missing):
            await self._graph.send(
                "remove sign-in method", by_id(method.id).to_delete_request_information()
            )

    async def pass_policy(self) -> PassPolicy:
        """The tenant's policy for Temporary Access Passes."""
        policy = self._graph.client.policies.authentication_methods_policy
        configurations = policy.authentication_method_configurations
        builder = configurations.by_authentication_method_configuration_id(_PASS_POLICY_ID)
        found = await self._graph.read("read pass policy", builder.to_get_request_information())
        if found.kind != _PASS_POLICY:
            raise found.unreadable()
        return PassPolicy(
            enabled=found.text("state") == "enabled",
            shortest=found.number("minimumLifetimeInMinutes") or 60,
            longest=found.number("maximumLifetimeInMinutes") or 480,
            usable_once=bool(found.flag("isUsableOnce")),
            targets=_ids(found.parts("includeTargets")),
            excluded=_ids(found.parts("excludeTargets")),
        )

    async def create_pass(self, account_id: str, lifetime: int) -> TemporaryAccessPass:
        """Create a pass of so many minutes; it replaces one that is still valid."""
        wanted = TemporaryAccessPassAuthenticationMethod(
            lifetime_in_minutes=lifetime, is_usable_once=False
        )
        builder = self._of(account_id).temporary_access_pass_methods
        made = await self._graph.read("create pass", builder.to_post_request_information(wanted))
        return TemporaryAccessPass(
            value=SecretStr(made.needed("temporaryAccessPass")),
            usable=bool(made.flag("isUsable")),
            usability=made.text("methodUsabilityReason") or "",
            lifetime=made.number("lifetimeInMinutes") or lifetime,
            created_at=made.moment("createdDateTime"),
        )

    def _of(self, account_id: str) -> Any:  # noqa: ANN401 - a generated builder of the SDK
        return self._graph.client.users.by_user_id(account_id).authentication


def _ids(targets: list[Answer] | None) -> frozenset[str]:
    return frozenset(target.id for target in targets or ())


def deletion_of(authentication: Any, collection: str) -> Callable[[str], Any]:  # noqa: ANN401 - SDK
    """The accessor of one item of a collection, by the SDK's naming of its generated builders."""
    stem = collection.removesuffix("_methods").removesuffix("_authentication")
    by_id: Callable[[str], Any] = getattr(
        getattr(authentication, collection), f"by_{stem}_authentication_method_id"
    )
    return by_id
