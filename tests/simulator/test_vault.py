"""Key Vault, through Microsoft's own client."""

from datetime import timedelta

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.keyvault.secrets import SecretClient

from simulator.directory.objects import ManagedIdentity
from tests.simulator.world import World, identity_credential

pytestmark = pytest.mark.usefixtures("sdk_environment")


@pytest.fixture
def vault(world: World) -> SecretClient:
    client = SecretClient(world.server.url, identity_credential(world))
    return world.closing.enter_context(client)


def test_a_secret_has_versions(vault: SecretClient) -> None:
    first = vault.set_secret("grant-1", "one", tags={"kind": "password"})
    second = vault.set_secret("grant-1", "two", content_type="text/plain")
    assert vault.get_secret("grant-1").value == "two"
    assert vault.get_secret("grant-1", first.properties.version).value == "one"
    versions = list(vault.list_properties_of_secret_versions("grant-1"))
    assert {item.version for item in versions} == {
        first.properties.version,
        second.properties.version,
    }
    assert first.properties.tags == {"kind": "password"}


def test_a_disabled_version_cannot_be_read_but_others_can(vault: SecretClient) -> None:
    first = vault.set_secret("grant-1", "one")
    vault.set_secret("grant-1", "two")
    version = first.properties.version
    vault.update_secret_properties("grant-1", version, enabled=False)
    with pytest.raises(HttpResponseError) as caught:
        vault.get_secret("grant-1", version)
    assert caught.value.status_code == 403
    assert "SecretDisabled" in str(caught.value)
    assert vault.get_secret("grant-1").value == "two"


def test_an_expired_secret_can_still_be_read(world: World, vault: SecretClient) -> None:
    vault.set_secret("grant-1", "one", expires_on=world.cloud.now() - timedelta(days=1))
    read = vault.get_secret("grant-1")
    assert read.value == "one"
    assert read.properties.expires_on is not None
    assert read.properties.expires_on < world.cloud.now()


def test_a_deleted_name_stays_taken_until_it_is_purged(vault: SecretClient) -> None:
    vault.set_secret("grant-1", "one")
    vault.begin_delete_secret("grant-1").wait()
    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("grant-1")
    with pytest.raises(ResourceExistsError):
        vault.set_secret("grant-1", "two")
    assert [item.name for item in vault.list_deleted_secrets()] == ["grant-1"]
    vault.begin_recover_deleted_secret("grant-1").wait()
    assert vault.get_secret("grant-1").value == "one"
    vault.begin_delete_secret("grant-1").wait()
    vault.purge_deleted_secret("grant-1")
    vault.set_secret("grant-1", "three")


def test_a_deleted_secret_is_gone_after_ninety_days(world: World, vault: SecretClient) -> None:
    vault.set_secret("grant-1", "one")
    vault.begin_delete_secret("grant-1").wait()
    world.advance(days=90)
    vault.set_secret("grant-1", "two")


def test_lists_are_paged_and_show_no_values(world: World, vault: SecretClient) -> None:
    for number in range(30):
        vault.set_secret(f"grant-{number}", f"value-{number}")
    world.cloud.calls.clear()
    names = [item.name for item in vault.list_properties_of_secrets()]
    assert len(names) == len(set(names)) == 30
    listed = world.cloud.calls.vault()
    assert len(listed) == 2
    assert "value-1" not in str([call.response_body for call in listed])


@pytest.mark.parametrize("name", ["under_score", "dot.ted", "x" * 128, "spa ce"])
def test_a_name_has_letters_digits_and_dashes(vault: SecretClient, name: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        vault.set_secret(name, "one")
    assert caught.value.status_code == 400


def test_a_reader_reads_and_no_more(world: World, vault: SecretClient) -> None:
    vault.set_secret("grant-1", "one")
    world.cloud.vault.officers.clear()
    with pytest.raises(HttpResponseError, match="not authorized") as caught:
        vault.get_secret("grant-1")
    assert caught.value.status_code == 403
    world.cloud.vault.users.add(world.demo.identity.principal_id)
    assert vault.get_secret("grant-1").value == "one"
    with pytest.raises(HttpResponseError, match="not authorized"):
        vault.set_secret("grant-1", "two")


def test_another_identity_has_no_access(world: World) -> None:
    other = ManagedIdentity("eeeeeeee-0000-4000-a000-000000000001", "other", "other")
    world.demo.home.managed_identities[other.client_id] = other
    client = SecretClient(world.server.url, identity_credential(world, other.client_id))
    with client, pytest.raises(HttpResponseError, match="not authorized"):
        client.get_secret("grant-1")


def test_the_vault_challenges_and_checks_audience_and_version(world: World) -> None:
    challenged = world.http.get("/secrets/grant-1?api-version=7.5")
    assert challenged.status_code == 401
    assert "resource=" in challenged.headers["www-authenticate"]
    graph_token = world.app_token(world.contoso)
    wrong = world.http.get(
        "/secrets/grant-1?api-version=7.5", headers={"authorization": f"Bearer {graph_token}"}
    )
    assert wrong.status_code == 401
    home, subject = world.demo.home, world.demo.identity.principal_id
    good = world.cloud.mint(home, {"oid": subject}, audience="https://vault.azure.net")
    bearer = {"authorization": f"Bearer {good}"}
    assert world.http.get("/secrets/grant-1", headers=bearer).status_code == 400
    assert world.http.get("/secrets/grant-1?api-version=7.5", headers=bearer).status_code == 404
    assert world.http.get("/keys/k?api-version=7.5", headers=bearer).status_code == 404
