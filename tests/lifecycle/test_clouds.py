"""A whole grant in each of Microsoft's clouds: its own tokens, and no pass where there is none."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from curfew import services as services_of
from curfew.clouds import CloudName
from curfew.model.grants import GrantState
from curfew.services import Services
from curfew.settings import Settings
from simulator.environment import AZURE_CLOUD, ENVIRONMENTS
from simulator.scenario import trust_identity
from tests.lifecycle.asking import Desk
from tests.lifecycle.client import ADA, ANN
from tests.lifecycle.shared import Shared
from tests.lifecycle.world import HOUR, SECURITY_READER, World


@pytest.fixture(params=list(CloudName))
def elsewhere(world: World, shared: Shared, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world in another cloud, whose deployment knows it by its settings."""
    name: CloudName = request.param
    cloud, application = shared.cloud, shared.demo.curfew
    trusted = list(application.federated)
    cloud.environment = ENVIRONMENTS[name]
    application.federated.clear()
    trust_identity(cloud, application, shared.demo.home, shared.demo.identity)
    settings = Settings.read({**shared.environment, **os.environ, "CURFEW_CLOUD": name})
    services = Services(settings, clock=world.clock)
    services_of.use(services)
    yield replace(world, services=services)
    world.wait(services.close())
    services_of.use(shared.services)
    application.federated[:] = trusted
    cloud.environment = AZURE_CLOUD


def credential_in(world: World) -> str:
    is_china = world.services.settings.cloud.name is CloudName.CHINA
    return "password" if is_china else "both"


def test_a_whole_grant_lives_and_ends_in_every_cloud(elsewhere: World) -> None:
    world, name = elsewhere, elsewhere.services.settings.cloud.name
    desk = Desk(world)
    desk.tenant(cloud=name)
    desk.profile(credential=credential_in(world))
    grant_id = desk.active()
    shown = desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential")
    assert shown.status == 200
    assert shown["signInAddress"] == world.services.settings.cloud.portal
    assert world.sign_in(shown["password"]) == 200
    assert (shown["temporaryAccessPass"] is None) is (name is CloudName.CHINA)
    assert desk.api(ANN, "POST", f"/api/grants/{grant_id}/credential/renew").status == 202
    world.engine.run_for(HOUR + HOUR / 4)
    lease = desk.lease(grant_id)
    assert lease.state is GrantState.ENDED
    assert lease.plan.cloud is name
    assert len(lease.renewals) == 1
    assert lease.evidence is not None
    assert lease.evidence.clean
    assert not desk.is_enabled()


def test_a_trust_in_the_identity_of_another_cloud_gives_no_token(elsewhere: World) -> None:
    world = elsewhere
    audiences = {environment.federation_audience for environment in ENVIRONMENTS.values()}
    wrong = max(audiences - {world.cloud.environment.federation_audience})
    trusted = world.demo.curfew.federated
    trusted[:] = [replace(each, audience=wrong) for each in trusted]
    desk = Desk(world)
    desk.tenant(cloud=world.services.settings.cloud.name)
    desk.profile(credential="password")
    grant_id = desk.ask()
    world.engine.run_for(HOUR)
    assert desk.lease(grant_id).activated_at is None


def test_a_tenant_is_onboarded_in_the_cloud_that_its_sign_in_says(elsewhere: World) -> None:
    desk, name = Desk(elsewhere), elsewhere.services.settings.cloud.name
    said = {"displayName": "Contoso", "accountDomain": elsewhere.customer.domain}
    address = f"/api/tenants/{elsewhere.customer.id}"
    for cloud in CloudName:
        answer = desk.api(ADA, "PUT", address, said | {"cloud": cloud})
        assert answer.status == (201 if cloud is name else 422), answer.body
        if cloud is name:
            assert desk.api(ADA, "DELETE", address).status == 204
        else:
            assert answer["errors"][0]["field"] == "cloud"


@pytest.mark.parametrize("credential", ["temporaryAccessPass", "password"])
def test_a_profile_with_a_pass_is_refused_where_there_are_none(
    elsewhere: World, credential: str
) -> None:
    desk, name = Desk(elsewhere), elsewhere.services.settings.cloud.name
    desk.tenant(cloud=name)
    offer = {"displayName": "Helpdesk", "roles": [SECURITY_READER], "credential": credential}
    answer = desk.api(ADA, "PUT", f"/api/tenants/{desk.customer.id}/profiles/helpdesk", offer)
    if name is CloudName.CHINA and credential != "password":
        assert answer.status == 422
        assert [each["field"] for each in answer["errors"]] == ["credential"]
        assert "no Temporary Access Pass in AzureChinaCloud" in answer["errors"][0]["detail"]
    else:
        assert answer.status == 201, answer.body


def test_a_profile_from_before_is_refused_when_it_is_asked_for(elsewhere: World) -> None:
    desk, name = Desk(elsewhere), elsewhere.services.settings.cloud.name
    desk.tenant(cloud=name)
    desk.profile(credential="both")
    answer = desk.request()
    if name is CloudName.CHINA:
        assert answer.status == 422
        assert [each["field"] for each in answer["errors"]] == ["profile"]
        desk.assert_nothing_was_given()
    else:
        assert answer.status == 202
