"""Groups: joining, being in one, and what is known of one."""

import pytest

from curfew.entra.facts import GroupFacts
from curfew.errors import Missing, Rejected, Throttled, Unavailable
from simulator.directory.objects import Group, User
from tests.adapters.tenancy import NOBODY, Tenancy


@pytest.fixture
def user(at: Tenancy) -> User:
    return at.user()


@pytest.fixture
def group(at: Tenancy) -> Group:
    return at.tenant.add_group("Exclusion")


def test_joining_tells_whether_it_was_needed(at: Tenancy, user: User, group: Group) -> None:
    access = at.directory.access
    assert at.wait(access.join_group(user.id, group.id))
    assert not at.wait(access.join_group(user.id, group.id))
    assert group.members == [user.id]
    assert at.wait(access.member_groups(user.id)) == {group.id}
    at.wait(access.leave_group(user.id, group.id))
    assert at.wait(access.member_groups(user.id)) == set()


def test_a_role_assignable_group_can_be_joined(at: Tenancy, user: User) -> None:
    group = at.tenant.add_group("Tier 1", role_assignable=True)
    access = at.directory.access
    assert at.wait(access.join_group(user.id, group.id))
    assert at.wait(access.role_groups(user.id)) == [group.id]
    assert at.wait(access.member_groups(user.id)) == {group.id}


def test_a_lost_answer_is_a_membership(at: Tenancy, user: User, group: Group) -> None:
    at.faults.fail_after_applied(method="POST", path="members")
    with pytest.raises(Unavailable):
        at.wait(at.directory.access.join_group(user.id, group.id))
    assert not at.wait(at.directory.access.join_group(user.id, group.id))


@pytest.mark.parametrize("dynamic", [True, False])
def test_a_group_that_takes_nobody_refuses(at: Tenancy, user: User, *, dynamic: bool) -> None:
    group = at.tenant.add_group("By rule", dynamic=dynamic, synced=not dynamic)
    with pytest.raises(Rejected):
        at.wait(at.directory.access.join_group(user.id, group.id))


def test_a_refusal_is_not_taken_for_a_membership_without_reading(
    at: Tenancy, user: User, group: Group
) -> None:
    group.members.append(user.id)
    at.faults.fail_before(method="GET", path="memberOf")
    with pytest.raises(Unavailable):
        at.wait(at.directory.access.join_group(user.id, group.id))


def test_a_user_that_has_not_arrived_is_missing(at: Tenancy, group: Group) -> None:
    newcomer = at.newcomer(seconds=60)
    with pytest.raises(Missing):
        at.wait(at.directory.access.join_group(newcomer.id, group.id))
    at.advance(minutes=1)
    assert at.wait(at.directory.access.join_group(newcomer.id, group.id))


def test_a_group_that_is_not_there_is_missing(at: Tenancy, user: User) -> None:
    with pytest.raises(Missing):
        at.wait(at.directory.access.join_group(user.id, NOBODY))
    with pytest.raises(Missing):
        at.wait(at.directory.facts.group(NOBODY))


def test_a_429_is_no_membership(at: Tenancy, user: User, group: Group) -> None:
    at.faults.throttle(path="members", retry_after=3)
    with pytest.raises(Throttled) as refused:
        at.wait(at.directory.access.join_group(user.id, group.id))
    assert refused.value.retry_after == 3
    assert group.members == []


def test_every_page_of_memberships_is_read(at: Tenancy, user: User) -> None:
    groups = {at.tenant.add_group(f"Group {n}", members=(user.id,)).id for n in range(120)}
    assert at.wait(at.directory.access.member_groups(user.id)) == groups
    at.faults.fail_before(path="memberOf", skip=1)
    with pytest.raises(Unavailable):
        at.wait(at.directory.access.member_groups(user.id))


def test_what_is_known_of_groups(at: Tenancy, group: Group) -> None:
    strong = at.tenant.add_group("Tier 1", role_assignable=True)
    ruled = at.tenant.add_group("By rule", dynamic=True)
    synced = at.tenant.add_group("From below", synced=True)
    facts = at.wait(at.directory.facts.groups([group.id, strong.id, ruled.id, synced.id, group.id]))
    plain = {"role_assignable": False, "dynamic": False, "synced": False}
    assert facts == {
        group.id: GroupFacts(group.id, "Exclusion", **plain),
        strong.id: GroupFacts(strong.id, "Tier 1", **plain | {"role_assignable": True}),
        ruled.id: GroupFacts(ruled.id, "By rule", **plain | {"dynamic": True}),
        synced.id: GroupFacts(synced.id, "From below", **plain | {"synced": True}),
    }
    with pytest.raises(Missing):
        at.wait(at.directory.facts.groups([group.id, NOBODY]))
    assert at.wait(at.directory.facts.groups([])) == {}
