"""One running host per sample app; tests that kill or reconfigure a host start their own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devhost import Configuration, DevHost

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def http_host() -> Iterator[DevHost]:
    settings = {"AzureWebJobs.off.Disabled": "true", "SOME_SETTING": "its value"}
    with DevHost(Configuration(APPS / "http", settings=settings)) as host:
        yield host


@pytest.fixture
def http(http_host: DevHost) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=http_host.url, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def durable_host() -> Iterator[DevHost]:
    with DevHost(Configuration(APPS / "durable")) as host:
        yield host
