"""The life of an account grant: create, use, expire; wake, return early."""

from datetime import timedelta

from curfew.model.grants import EndReason, GrantState
from curfew.model.profiles import CredentialKind
from tests.lifecycle.world import HELPDESK_ADMINISTRATOR, HOUR, SECURITY_READER, World


def test_the_first_grant_creates_the_account_and_ends_it_on_time(world: World) -> None:
    grant = world.request()
    grant.run_until_active()

    assert world.user().account_enabled
    assert world.roles() == {SECURITY_READER, HELPDESK_ADMINISTRATOR}
    password = world.kept(grant)
    assert world.sign_in(password) == 200
    assert world.sign_in(world.kept(grant, "pass")) == 200

    expires_at = grant.lease.expires_at
    assert expires_at is not None
    world.engine.run(until=expires_at - timedelta(seconds=1))
    assert grant.state is GrantState.ACTIVE
    world.engine.run(until=expires_at + timedelta(seconds=30))

    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.EXPIRED
    assert world.sign_in(password) == 400


def test_a_later_grant_wakes_the_same_account_with_another_password(world: World) -> None:
    first = world.request()
    first.run_until_active()
    account, password = world.user().id, world.kept(first)
    world.engine.run()

    second = world.request()
    second.run_until_active()

    assert world.user().id == account
    assert world.kept(second) != password
    assert world.sign_in(world.kept(second)) == 200
    assert world.sign_in(password) == 400
    world.engine.run()
    world.assert_gone(second)


def test_a_grant_that_is_returned_ends_at_once(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    began = world.clock()
    grant.order_end()
    world.engine.run(until=began + timedelta(minutes=1))

    world.assert_gone(grant)
    assert grant.lease.end_reason is EndReason.RETURNED
    assert grant.lease.ended_by is not None


def test_only_the_credentials_of_the_profile_are_handed_over(world: World) -> None:
    with_pass = world.request(credential=CredentialKind.TEMPORARY_ACCESS_PASS)
    with_pass.run_until_active()
    assert with_pass.lease.handover.password is None
    assert world.sign_in(world.kept(with_pass, "pass")) == 200
    world.engine.run()
    world.assert_gone(with_pass)

    with_password = world.request(credential=CredentialKind.PASSWORD)
    with_password.run_until_active()
    assert with_password.lease.handover.temporary_access_pass is None
    assert world.user().access_pass is None
    world.engine.run()
    world.assert_gone(with_password)


def test_replication_delay_after_a_creation_is_waited_out(world: World) -> None:
    world.customer.knobs.replication_seconds = 90
    grant = world.request(duration=HOUR)
    grant.run_until_active()
    activated, requested = grant.lease.activated_at, grant.lease.requested_at
    assert activated is not None
    assert timedelta(seconds=90) <= activated - requested <= timedelta(minutes=5)
    world.engine.run()
    world.assert_gone(grant)


def test_row_27_a_session_that_was_opened_during_the_grant_is_over_with_it(world: World) -> None:
    grant = world.request()
    grant.run_until_active()
    session = world.session(world.kept(grant)).json()["refresh_token"]
    assert world.resume(session) == 200

    world.engine.run()
    world.assert_gone(grant)
    # Even if somebody enabled the account again: it was revoked, not only shut out.
    world.user().account_enabled = True
    assert world.resume(session) == 400
