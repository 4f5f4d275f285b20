"""What a tenant says of itself and of this app, and what its refusals mean."""

import pytest

from curfew.errors import Denied, Missing, Throttled, Unavailable, Unlicensed
from curfew.model.messages import Failure
from tests.adapters.tenancy import NOBODY, Tenancy


def test_a_tenant_has_a_name(at: Tenancy) -> None:
    assert at.wait(at.directory.facts.organization_name()) == "Contoso"


@pytest.mark.parametrize(
    ("status", "error"), [(403, Denied), (429, Throttled), (500, Unavailable), (404, Missing)]
)
def test_a_name_that_cannot_be_read_is_an_error(
    at: Tenancy, status: int, error: type[Exception]
) -> None:
    at.faults.fail_before(path="organization", status=status)
    with pytest.raises(error):
        at.wait(at.directory.facts.organization_name())


def test_this_app_s_principal_and_its_owners(at: Tenancy) -> None:
    app_id = at.shared.demo.curfew.app_id
    principal = at.tenant.principal_of(app_id)
    assert principal is not None
    own = at.wait(at.directory.principals.own(app_id))
    assert (own.id, own.owner_ids) == (principal.id, frozenset())
    principal.owners = [at.user(f"owner{number}").id for number in range(130)]
    own = at.wait(at.directory.principals.own(app_id))
    assert own.owner_ids == frozenset(principal.owners)


def test_half_the_owners_are_none(at: Tenancy) -> None:
    app_id = at.shared.demo.curfew.app_id
    principal = at.tenant.principal_of(app_id)
    assert principal is not None
    principal.owners = [at.user(f"owner{number}").id for number in range(130)]
    at.faults.fail_before(path="owners", skip=1)
    with pytest.raises(Unavailable):
        at.wait(at.directory.principals.own(app_id))


def test_an_app_that_was_not_let_in_is_missing(at: Tenancy) -> None:
    with pytest.raises(Missing):
        at.wait(at.directory.principals.own(NOBODY))


def test_a_licence_that_was_not_bought_leaves_the_token_alone(at: Tenancy) -> None:
    at.wait(at.directory.facts.organization_name())
    tokens = at.tokens()
    code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
    at.faults.fail_before(path="organization", status=403, code=code)
    with pytest.raises(Unlicensed) as refused:
        at.wait(at.directory.facts.organization_name())
    failure = Failure.of(refused.value)
    assert (failure.code, failure.retryable, failure.unsure) == ("unlicensed", False, False)
    at.wait(at.directory.facts.organization_name())
    assert at.tokens() == tokens


def test_any_other_403_drops_the_token(at: Tenancy) -> None:
    at.wait(at.directory.facts.organization_name())
    tokens = at.tokens()
    at.faults.fail_before(path="organization", status=403)
    with pytest.raises(Denied):
        at.wait(at.directory.facts.organization_name())
    at.wait(at.directory.facts.organization_name())
    assert at.tokens() == tokens + 1
