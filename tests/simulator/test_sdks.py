"""Microsoft's own clients, over the wire, unpatched."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from azure.core.credentials import TokenCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
)
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
)
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]

from tests.simulator.world import GOOD_PASSWORD, GRAPH, World, identity_credential

# The generated Graph client uses names that its own base library has deprecated.
pytestmark = [
    pytest.mark.usefixtures("sdk_environment"),
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated"),
]


def secret_credential(world: World) -> ClientSecretCredential:
    credential = ClientSecretCredential(
        world.contoso.id,
        world.demo.curfew.app_id,
        world.demo.curfew_secret,
        authority=world.server.url,
        disable_instance_discovery=True,
    )
    return world.closing.enter_context(credential)


def certificate_credential(world: World) -> CertificateCredential:
    credential = CertificateCredential(
        world.contoso.id,
        world.demo.curfew.app_id,
        certificate_data=world.demo.certificate.together,
        authority=world.server.url,
        disable_instance_discovery=True,
    )
    return world.closing.enter_context(credential)


def federated_credential(world: World) -> ClientAssertionCredential:
    identity = identity_credential(world)
    credential = ClientAssertionCredential(
        world.contoso.id,
        world.demo.curfew.app_id,
        lambda: identity.get_token("api://AzureADTokenExchange/.default").token,
        authority=world.server.url,
    )
    return world.closing.enter_context(credential)


def with_graph(
    world: World,
    credential: TokenCredential,
    work: Callable[[GraphServiceClient], Awaitable[None]],
) -> None:
    async def run() -> None:
        provider = AzureIdentityAuthenticationProvider(
            credential, scopes=[GRAPH], allowed_hosts=["127.0.0.1"]
        )
        # The Graph client wraps the transport of the client it is given, and never closes it.
        async with httpx.AsyncHTTPTransport(http2=True) as transport:
            plain = httpx.AsyncClient(transport=transport)
            client = GraphClientFactory.create_with_default_middleware(client=plain)
            adapter = GraphRequestAdapter(provider, client=client)
            adapter.base_url = f"{world.server.url}/v1.0"
            await work(GraphServiceClient(request_adapter=adapter))

    asyncio.run(run())


@pytest.mark.parametrize("make", [secret_credential, certificate_credential, federated_credential])
def test_every_credential_class_gets_a_token(
    world: World, make: Callable[[World], TokenCredential]
) -> None:
    token = make(world).get_token(GRAPH)
    assert token.expires_on > time.time() + 3000
    assert world.graph("GET", "organization", token=token.token).status_code == 200


def test_a_refusal_reaches_the_caller_with_its_code(world: World) -> None:
    world.demo.curfew.federated.clear()
    with pytest.raises(ClientAuthenticationError, match="AADSTS70021"):
        federated_credential(world).get_token(GRAPH)
    world.demo.curfew.secrets.clear()
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        secret_credential(world).get_token(GRAPH)


def test_an_unknown_identity_is_refused(world: World) -> None:
    with pytest.raises(ClientAuthenticationError, match="No User Assigned"):
        identity_credential(world, "nobody").get_token("https://vault.azure.net/.default")


def test_the_graph_client_makes_an_account_and_ends_it(world: World) -> None:
    from msgraph.generated.models.password_profile import PasswordProfile
    from msgraph.generated.models.temporary_access_pass_authentication_method import (
        TemporaryAccessPassAuthenticationMethod,
    )
    from msgraph.generated.models.unified_role_assignment import UnifiedRoleAssignment
    from msgraph.generated.models.user import User

    async def life(graph: GraphServiceClient) -> None:
        wanted = User(
            account_enabled=False,
            display_name="Jit",
            mail_nickname="jit",
            user_principal_name="jit@contoso.onmicrosoft.com",
            password_profile=PasswordProfile(
                password=GOOD_PASSWORD, force_change_password_next_sign_in=False
            ),
        )
        made = await graph.users.post(wanted)
        assert made is not None
        assert made.id is not None
        one = graph.users.by_user_id(made.id)
        new_pass = await one.authentication.temporary_access_pass_methods.post(
            TemporaryAccessPassAuthenticationMethod(lifetime_in_minutes=60)
        )
        assert new_pass is not None
        assert new_pass.is_usable
        assignments = graph.role_management.directory.role_assignments
        given = await assignments.post(
            UnifiedRoleAssignment(
                principal_id=made.id,
                role_definition_id="5d6b6bb7-de71-4623-b4af-96380a352509",
                directory_scope_id="/",
            )
        )
        await one.patch(User(account_enabled=True))
        value = str(new_pass.temporary_access_pass)
        assert world.sign_in(world.contoso, "jit@contoso.onmicrosoft.com", value).is_success
        await one.patch(User(account_enabled=False))
        await one.revoke_sign_in_sessions.post()
        assert given is not None
        assert given.id is not None
        await assignments.by_unified_role_assignment_id(given.id).delete()
        passes = one.authentication.temporary_access_pass_methods
        assert new_pass.id is not None
        await passes.by_temporary_access_pass_authentication_method_id(new_pass.id).delete()
        methods = await one.authentication.methods.get()
        assert methods is not None
        assert [type(item).__name__ for item in methods.value or []] == [
            "PasswordAuthenticationMethod"
        ]
        await one.delete()

    with_graph(world, federated_credential(world), life)
    assert world.contoso.deleted_users


def test_the_graph_client_raises_the_error_with_its_code(world: World) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    async def ask(graph: GraphServiceClient) -> None:
        with pytest.raises(ODataError) as caught:
            await graph.users.by_user_id("nobody@contoso.onmicrosoft.com").get()
        assert caught.value.response_status_code == 404
        assert caught.value.error is not None
        assert caught.value.error.code == "Request_ResourceNotFound"

    with_graph(world, secret_credential(world), ask)


def test_the_graph_client_waits_as_long_as_it_is_told(world: World) -> None:
    world.cloud.faults.throttle(path="/organization", retry_after=1)

    async def ask(graph: GraphServiceClient) -> None:
        started = time.monotonic()
        found = await graph.organization.get()
        assert found is not None
        assert time.monotonic() - started >= 1

    with_graph(world, secret_credential(world), ask)
    assert [call.status for call in world.cloud.calls.graph()] == [429, 200]


def test_the_graph_client_takes_a_member_out_of_a_group_and_leaves_it_alive(
    world: World,
) -> None:
    from msgraph.generated.models.reference_create import ReferenceCreate

    group, user = world.contoso.add_group("Exclusions"), world.create_user()

    async def join_and_leave(graph: GraphServiceClient) -> None:
        members = graph.groups.by_group_id(group.id).members
        reference = f"https://graph.microsoft.com/v1.0/directoryObjects/{user.id}"
        await members.ref.post(ReferenceCreate(odata_id=reference))
        assert group.members == [user.id]
        await members.by_directory_object_id(user.id).ref.delete()

    with_graph(world, secret_credential(world), join_and_leave)
    assert group.members == []
    assert user.id in world.contoso.users
