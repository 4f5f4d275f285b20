"""The simulator, Azurite and the services, as the tests of the lifecycle have them."""

from tests.lifecycle.conftest import shared

__all__ = ["shared"]
