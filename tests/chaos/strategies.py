"""How Hypothesis makes sequences.

Trouble comes before something is done and time after it, so that the one meets the other. What is
done mostly makes sense: the technician ends what is his, and approvers are asked something.
"""

from typing import Any

from hypothesis import strategies as st

from tests.chaos import administration, hazards, steps
from tests.chaos.offers import PROFILES
from tests.chaos.steps import OWNER, Step
from tests.chaos.trouble import CALLS, COMMON, EFFECTS, LEDGER

_TENANTS = st.integers(0, 1)
_GRANTS = st.integers(0, 2)
_PROFILES = st.sampled_from(PROFILES)
_TECHNICIANS = st.sampled_from(["ann", "ben"])
_OWNER_OR = st.sampled_from([OWNER, OWNER, OWNER, "ben", "petra", "ada"])
_ACTIVITIES = (
    "record_decision",
    "admit_grant",
    "close_unopened",
    "extend_expiry",
    "prolong_access",
    "replace_credential",
    "settle_extension",
    "open_account",
    "open_subject",
    "arm_expiry",
    "confirm_access",
    "set_password",
    "assign_access",
    "issue_pass",
    "enable_account",
    "disable_account",
    "remove_access",
    "rotate_password",
    "retire_credential",
    "verify_ended",
    "delete_account",
    "close_grant",
)


def _weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of several, some more often than others."""
    drawn = st.sampled_from(
        [number for number, (weight, _) in enumerate(choices) for _ in range(weight)]
    )
    return drawn.flatmap(lambda number: choices[number][1])


_ASK = st.builds(
    steps.Ask,
    who=_TECHNICIANS,
    tenant=_TENANTS,
    profile=_PROFILES,
    minutes=st.sampled_from([60, 5, 20, 180]),
    starts_in=st.sampled_from([None, None, None, 1, 30]),
)
_DECIDE = st.builds(
    steps.Decide,
    grant=_GRANTS,
    who=st.sampled_from(["petra", "paul"]),
    verb=st.sampled_from(["approve", "approve", "approve", "deny"]),
)
_BOTH_CONSENT = st.builds(steps.Consent, grant=_GRANTS)
_EXTEND = st.builds(
    steps.Extend, grant=_GRANTS, who=_OWNER_OR, minutes=st.sampled_from([30, 1, 120])
)
_END = st.builds(steps.End, grant=_GRANTS, who=_OWNER_OR)
_REVEAL = st.builds(steps.Reveal, grant=_GRANTS, who=st.sampled_from([OWNER, OWNER, "ben"]))
_RENEW = st.builds(steps.Renew, grant=_GRANTS, who=st.sampled_from([OWNER, OWNER, "ben"]))
_TAMPER = st.builds(
    hazards.Tamper, tenant=_TENANTS, who=_TECHNICIANS, what=st.sampled_from(["method", "role"])
)
_CHANGE_SETTINGS = _weighted(
    (2, st.builds(administration.Tighten, tenant=_TENANTS, profile=_PROFILES)),
    (1, st.builds(administration.Limit, tenant=_TENANTS)),
    (2, st.builds(administration.Reconnect, tenant=_TENANTS)),
    (2, st.builds(administration.Withdraw, tenant=_TENANTS, profile=_PROFILES)),
    (1, st.builds(administration.Offboard, tenant=_TENANTS)),
)
_ACT = _weighted(
    (6, _ASK),
    (4, _BOTH_CONSENT),
    (2, _DECIDE),
    (4, _EXTEND),
    (5, _END),
    (1, _REVEAL),
    (2, _RENEW),
    (2, _TAMPER),
    (2, _CHANGE_SETTINGS),
    (1, st.builds(hazards.Wake, tenant=_TENANTS, who=_TECHNICIANS)),
    (1, st.just(administration.SweepNow())),
)

_TIME = _weighted(
    (3, st.builds(steps.Work, steps=st.integers(1, 25))),
    (4, st.builds(steps.Pass, minutes=st.sampled_from([1, 5, 20, 61]))),
    (1, st.builds(steps.Jump, minutes=st.sampled_from([1, 15, 70]))),
)

_FAIL = st.builds(
    hazards.Fail,
    call=st.sampled_from([LEDGER, LEDGER, LEDGER, *COMMON, *COMMON, *CALLS]),
    effect=st.sampled_from(list(EFFECTS)),
    times=st.integers(1, 6),
    skip=st.integers(0, 2),
)
_KILL = st.builds(
    hazards.Kill,
    phase=st.sampled_from(["after", "before"]),
    step=st.sampled_from(["any", "any", *_ACTIVITIES]),
    how=st.sampled_from(["again", "failed"]),
)
_FLAP = st.builds(
    hazards.Flap,
    call=st.sampled_from(["read account", "find account", "list roles", "any reading"]),
    minutes=st.sampled_from([1, 5, 30]),
)
_OUTAGE = st.builds(
    hazards.Outage,
    service=st.sampled_from(["graph", "vault", "ledger", "everything"]),
    minutes=st.sampled_from([2, 10, 60]),
)
_TROUBLE = _weighted(
    (6, _FAIL),
    (2, _KILL),
    (1, _FLAP),
    (2, _OUTAGE),
    (2, st.builds(hazards.Purge, grant=_GRANTS)),
    (1, st.builds(hazards.KillSweep, after=st.integers(0, 12), applied=st.booleans())),
)

_SOME_TROUBLE = st.lists(_TROUBLE, max_size=2)
_FIRST = st.tuples(_SOME_TROUBLE, _ASK, _TIME)
_NEXT = st.tuples(_SOME_TROUBLE, _ACT, _TIME)


def _flat(blocks: list[tuple[list[Step], Step, Step]]) -> list[Step]:
    return [step for trouble, act, time in blocks for step in (*trouble, act, time)]


SEQUENCES = st.tuples(_FIRST, st.lists(_NEXT, min_size=2, max_size=6)).map(
    lambda parts: _flat([parts[0], *parts[1]])
)
