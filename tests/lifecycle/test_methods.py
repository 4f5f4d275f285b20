"""Every kind of sign-in method that Microsoft's SDK can delete is one that an ending deletes."""

import inspect

from msgraph.generated.users.item.authentication.authentication_request_builder import (
    AuthenticationRequestBuilder,
)

from curfew.entra.methods import COLLECTIONS, deletion_of
from tests.lifecycle.world import World

# A password cannot be deleted, only changed; keys of resource accounts are not on users.
NOT_REMOVED = {"password_methods", "methods", "resource_account_key_authentication_methods"}


def test_every_collection_of_methods_in_the_sdk_is_known() -> None:
    collections = {
        name
        for name, member in inspect.getmembers(AuthenticationRequestBuilder)
        if isinstance(member, property) and name.endswith("methods")
    }
    known = set(COLLECTIONS.values())
    assert known | NOT_REMOVED >= collections
    assert known <= collections


def test_every_known_kind_has_its_deletion_in_the_sdk(world: World) -> None:
    directory = world.services.directory(world.customer.id, world.plan().connection)
    authentication = directory.methods._of("someone")
    for collection in COLLECTIONS.values():
        assert callable(deletion_of(authentication, collection)("an-id").delete)
