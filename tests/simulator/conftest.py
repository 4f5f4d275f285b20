"""A fresh cloud per test, on a frozen clock; only the slow-to-make keys are shared."""

from collections.abc import Iterator

import pytest

from simulator import Cloud, Server, demo
from simulator.keys import Keys
from simulator.scenario import CertificatePair, make_certificate
from tests.simulator.world import START, World


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys()


@pytest.fixture(scope="session")
def certificate() -> CertificatePair:
    return make_certificate("curfew")


@pytest.fixture
def cloud(keys: Keys) -> Cloud:
    cloud = Cloud(keys=keys)
    cloud.clock = lambda: START
    return cloud


@pytest.fixture
def world(cloud: Cloud, certificate: CertificatePair) -> Iterator[World]:
    scenario = demo(cloud, certificate=certificate)
    with Server(cloud) as server:
        world = World(cloud, scenario, server)
        yield world
        world.close()
    assert cloud.defects == []


@pytest.fixture
def sdk_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Microsoft's clients find this cloud, and trust it, by their environment alone."""
    for name, value in world.server.environment().items():
        monkeypatch.setenv(name, value)
