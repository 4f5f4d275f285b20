"""Accounts: deleting one, and finding all that carry the prefix."""

import pytest

from curfew.errors import Denied, Throttled, Unavailable
from tests.adapters.tenancy import NOBODY, Tenancy


def test_a_deleted_account_lies_in_the_bin(at: Tenancy) -> None:
    user = at.user()
    accounts = at.directory.accounts
    for _ in range(2):
        at.wait(accounts.delete(user.id))
    assert at.wait(accounts.look(user.id)) is None
    assert at.wait(accounts.is_deleted(user.id))
    at.wait(accounts.delete(NOBODY))


@pytest.mark.parametrize(("status", "error"), [(403, Denied), (429, Throttled), (503, Unavailable)])
def test_a_deletion_that_did_not_happen_is_an_error(
    at: Tenancy, status: int, error: type[Exception]
) -> None:
    user = at.user()
    at.faults.fail_before(method="DELETE", status=status)
    with pytest.raises(error):
        at.wait(at.directory.accounts.delete(user.id))
    assert user.id in at.tenant.users


def test_managed_accounts_are_found_by_their_prefix(at: Tenancy) -> None:
    ann = at.user("msp-ann", display_name="Ann Technician", enabled=False)
    ben = at.user("MSP-ben", synced=True, employeeType="mark")
    at.user("emsp-carl")
    found = {account.id: account for account in at.wait(at.directory.accounts.managed("msp-"))}
    assert set(found) == {ann.id, ben.id}
    assert found[ann.id].display_name == "Ann Technician"
    assert not found[ann.id].enabled
    assert found[ben.id].enabled
    assert found[ben.id].synced
    assert found[ben.id].mark == "mark"
    assert found[ann.id] == at.wait(at.directory.accounts.get(ann.id))


def test_a_prefix_is_only_a_prefix(at: Tenancy) -> None:
    user = at.user("o'neil-ann")
    found = at.wait(at.directory.accounts.managed("o'neil-"))
    assert [account.id for account in found] == [user.id]


def test_all_pages_or_none(at: Tenancy) -> None:
    names = {at.user(f"msp-{number:04}").id for number in range(110)}
    found = at.wait(at.directory.accounts.managed("msp-"))
    assert {account.id for account in found} == names
    at.faults.fail_before(method="GET", path="users", skip=1)
    with pytest.raises(Unavailable):
        at.wait(at.directory.accounts.managed("msp-"))


def test_accounts_in_the_bin_are_not_found(at: Tenancy) -> None:
    user = at.user()
    at.wait(at.directory.accounts.delete(user.id))
    assert at.wait(at.directory.accounts.managed("msp-")) == []
