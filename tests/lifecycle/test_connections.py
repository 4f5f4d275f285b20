"""The three credentials towards a customer, each through a whole grant."""

import base64
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import SecretStr

from curfew.credentials import UNUSABLE_SECRET
from curfew.errors import Denied
from curfew.ledger import AuditQuery
from curfew.model.tenants import Connection, ConnectionKind
from tests.lifecycle.client import ADA, Api, Hub
from tests.lifecycle.world import START, TECHNICIAN, World


def stored(world: World, name: str, value: str) -> str:
    world.wait(world.services.vault.keep(name, SecretStr(value), START))
    return name


def pfx(world: World) -> str:
    pair = world.demo.certificate
    key = serialization.load_pem_private_key(pair.private_key, None)
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    packed = pkcs12.serialize_key_and_certificates(
        b"curfew",
        key,  # type: ignore[arg-type]
        certificate,
        None,
        serialization.NoEncryption(),
    )
    return base64.b64encode(packed).decode()


@pytest.mark.parametrize("kind", ["federated", "certificate-pem", "certificate-pfx", "secret"])
def test_a_whole_grant_with_each_kind_of_credential(world: World, kind: str) -> None:
    connections: dict[str, Callable[[], Connection]] = {
        "federated": Connection,
        "certificate-pem": lambda: Connection(
            kind=ConnectionKind.CERTIFICATE,
            secret_name=stored(world, "app-pem", world.demo.certificate.together.decode()),
        ),
        "certificate-pfx": lambda: Connection(
            kind=ConnectionKind.CERTIFICATE, secret_name=stored(world, "app-pfx", pfx(world))
        ),
        "secret": lambda: Connection(
            kind=ConnectionKind.SECRET,
            client_id=world.demo.curfew.app_id,
            secret_name=stored(world, "app-secret", world.demo.curfew_secret),
        ),
    }
    grant = world.request(connection=connections[kind]())
    grant.run_until_active()
    assert world.sign_in(world.kept(grant)) == 200
    world.engine.run()
    world.assert_gone(grant)


def locked(world: World) -> str:
    """A certificate whose key has a password that nobody has told Curfew."""
    pair = world.demo.certificate
    key = serialization.load_pem_private_key(pair.private_key, None)
    shut = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"nobody knows"),
    )
    return (shut + pair.certificate).decode()


def test_a_certificate_whose_key_is_locked_is_refused_as_such(world: World) -> None:
    name = stored(world, "app-locked", locked(world))
    connection = Connection(kind=ConnectionKind.CERTIFICATE, secret_name=name)
    credential = world.services.credentials.towards(world.customer.id, connection)
    with pytest.raises(Denied) as refused:
        world.wait(credential.get_token("scope/.default"))
    assert refused.value.service_code == UNUSABLE_SECRET
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    asked = {
        "tenant": world.customer.id,
        "displayName": world.customer.name,
        "connection": {"kind": "certificate", "secretName": name, "clientId": TECHNICIAN.id},
    }
    answer = api(ADA, "POST", "/api/onboarding", asked)
    assert answer["letIn"] is False
    assert "vault" in answer["obstacle"]


@pytest.mark.parametrize("value", ["no certificate ***", "aGVsbG8=", "-----BEGIN nonsense"])
def test_what_is_no_certificate_is_refused_as_such(world: World, value: str) -> None:
    name = stored(world, "app-broken", value)
    connection = Connection(kind=ConnectionKind.CERTIFICATE, secret_name=name)
    credential = world.services.credentials.towards(world.customer.id, connection)
    with pytest.raises(Denied) as refused:
        world.wait(credential.get_token("scope/.default"))
    assert value not in str(refused.value)


def test_a_wrong_secret_is_refused_with_the_authority_s_code(world: World) -> None:
    name = stored(world, "app-wrong", "not-the-secret")
    connection = Connection(kind=ConnectionKind.SECRET, secret_name=name)
    credential = world.services.credentials.towards(world.customer.id, connection)
    with pytest.raises(Denied) as refused:
        world.wait(credential.get_token(f"{world.server.url}/.default"))
    assert refused.value.service_code == "AADSTS7000215"
    assert "not-the-secret" not in str(refused.value)


def test_a_credential_of_one_tenant_gets_no_token_of_another(world: World) -> None:
    here = world.services.directory(world.customer.id, Connection())
    there = world.services.directory(world.demo.contoso.id, Connection())
    assert here is not there
    assert here.accounts._graph._credential is not there.accounts._graph._credential


def test_without_an_address_for_the_answer_nobody_is_asked(world: World) -> None:
    api = Api(Hub(world.engine), world.wait, world.demo.home.id)
    asked = {"tenant": world.customer.id, "displayName": world.customer.name}
    refused = api(ADA, "POST", "/api/onboarding", asked)
    assert refused.status == 409
    assert "CURFEW_ADDRESS" in refused["detail"]
    trail = world.services.audit.events(AuditQuery(tenant=world.customer.id), size=10)
    assert not world.wait(trail).events
