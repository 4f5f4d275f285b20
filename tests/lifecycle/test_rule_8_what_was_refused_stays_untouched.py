"""Rule 8: an account that a grant was refused is not touched by that grant's own ending either.

docs/failures.md, row 20. It bears Curfew's mark, and is still not Curfew's to touch any more.
"""

import copy

import pytest

from curfew.model.grants import EndReason
from tests.lifecycle.world import APPROVER, World


@pytest.mark.parametrize("why", ["adopted", "synced", "guest", "break-glass", "owner"])
def test_rule_8_row_20_the_ending_of_a_refused_grant_touches_nothing(
    world: World, why: str
) -> None:
    world.ended_grant()
    user = world.user()
    record = world.wait(world.services.accounts.find(world.customer.id, user.user_principal_name))
    user.account_enabled = True
    if why == "adopted":
        word = {"adopted_by": APPROVER}
        world.wait(
            world.services.accounts.change(
                world.customer.id,
                user.user_principal_name,
                lambda known: known.model_copy(update=word),
            )
        )
    elif why == "break-glass":
        world.save_settings(break_glass=(user.id,))
    elif why == "owner":
        principal = world.customer.principal_of(world.demo.curfew.app_id)
        assert principal is not None
        principal.owners.append(user.id)
    elif why == "synced":
        user.synced = True
    else:
        user.user_type = "Guest"
    before, writes = copy.deepcopy(vars(user)), world.graph_writes()

    grant = world.request(mark=record.mark)
    world.engine.run()
    assert grant.lease.end_reason is EndReason.FAILED
    assert "foreign-account" in (grant.lease.failure or "")
    assert copy.deepcopy(vars(user)) == before
    assert world.graph_writes() == writes
