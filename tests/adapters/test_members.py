"""People and applications of a tenant: there, enabled, and in which groups."""

import asyncio

import pytest

from curfew.entra.members import Member, Members
from curfew.errors import Denied, Missing, Rejected, Throttled, Unavailable
from tests.adapters.tenancy import NOBODY, Tenancy
from tests.adapters.test_answers import Answering, graph


@pytest.fixture(autouse=True)
def consent(at: Tenancy) -> None:
    at.tenant.consent(at.shared.demo.curfew.app_id, "Curfew", {"GroupMember.Read.All"})


def groups_of(at: Tenancy, object_id: str, *groups: str, is_application: bool = False) -> set[str]:
    members = at.directory.members
    return set(at.wait(members.groups_of(object_id, groups, is_application=is_application)))


@pytest.mark.parametrize("enabled", [True, False])
def test_people_and_applications_are_found_by_object_id(at: Tenancy, *, enabled: bool) -> None:
    user = at.user(enabled=enabled)
    app = at.tenant.principal_of(at.shared.demo.curfew.app_id)
    assert app is not None
    members = at.directory.members
    assert at.wait(members.find(user.id)) == Member(user.id, enabled, is_application=False)
    assert at.wait(members.find(app.id)) == Member(app.id, enabled=True, is_application=True)
    with pytest.raises(Missing):
        at.wait(members.find(NOBODY))


def test_membership_is_told_for_the_groups_that_were_asked_for(at: Tenancy) -> None:
    user = at.user()
    inner = at.tenant.add_group("Level one", members=(user.id,))
    outer = at.tenant.add_group("Technicians", members=(inner.id,))
    other = at.tenant.add_group("Others")
    assert groups_of(at, user.id, outer.id, other.id, NOBODY) == {outer.id}
    assert groups_of(at, user.id) == set()


def test_an_applications_groups_are_asked_for_as_such(at: Tenancy) -> None:
    app = at.tenant.principal_of(at.shared.demo.curfew.app_id)
    assert app is not None
    group = at.tenant.add_group("Automation", members=(app.id,))
    assert groups_of(at, app.id, group.id, is_application=True) == {group.id}
    with pytest.raises(Missing):
        groups_of(at, app.id, group.id)


def test_more_groups_than_one_call_takes_are_asked_for_in_several(at: Tenancy) -> None:
    user = at.user()
    groups = [at.tenant.add_group(f"Group {n}", members=(user.id,)).id for n in range(45)]
    assert groups_of(at, user.id, *groups) == set(groups)
    assert len(at.calls(path="checkMemberGroups")) == 3


def test_of_several_calls_one_that_fails_fails_them_all(at: Tenancy) -> None:
    user = at.user()
    groups = [at.tenant.add_group(f"Group {n}", members=(user.id,)).id for n in range(45)]
    at.faults.fail_before(path="checkMemberGroups", skip=1)
    with pytest.raises(Unavailable):
        groups_of(at, user.id, *groups)


@pytest.mark.parametrize(
    ("status", "error"), [(503, Unavailable), (429, Throttled), (403, Denied), (400, Rejected)]
)
def test_what_cannot_be_read_is_an_error_and_not_an_absence(
    at: Tenancy, status: int, error: type[Exception]
) -> None:
    user = at.user()
    at.faults.fail_before(service="graph", status=status, times=None)
    with pytest.raises(error):
        at.wait(at.directory.members.find(user.id))
    with pytest.raises(error):
        groups_of(at, user.id, NOBODY)


@pytest.mark.parametrize(
    "answer", [{}, {"value": None}, {"value": "x"}, {"value": [None]}, [], b'{"value": [']
)
def test_half_an_answer_is_not_in_none_of_them(answer: object) -> None:
    members = Members(graph(Answering(answer)))
    with pytest.raises(Unavailable):
        asyncio.run(members.groups_of(NOBODY, [NOBODY], is_application=False))


@pytest.mark.parametrize("answer", [{"id": NOBODY}, {"id": NOBODY, "accountEnabled": None}, {}])
def test_a_person_whose_state_is_not_told_is_unreadable(answer: object) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(Members(graph(Answering(answer))).find(NOBODY))


def test_a_group_that_nobody_asked_for_is_left_out(at: Tenancy) -> None:
    said = {"value": [NOBODY.upper(), at.tenant.id]}
    members = Members(graph(Answering(said)))
    found = asyncio.run(members.groups_of(at.tenant.id, [NOBODY], is_application=False))
    assert found == {NOBODY}
