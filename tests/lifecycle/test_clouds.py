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
from tests.lifecycle.client import ANN
from tests.lifecycle.shared import Shared
from tests.lifecycle.world import HOUR, World


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
