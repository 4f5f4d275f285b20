"""Who may ask and who may decide, by the word of the home tenant.

A caller's groups come from his token where it lists them, and from the directory where it does
not. What is decided later than the request is decided by the directory alone: a token tells of
the moment of a sign-in, which may be long ago.

A directory that cannot be read is a `ServiceError`: neither "in no group" nor consent. No ending
ever comes here.
"""

from dataclasses import dataclass

from curfew.callers import Caller
from curfew.concurrency import together
from curfew.entitlements import is_among
from curfew.errors import FieldProblem, Missing
from curfew.model.approvals import Approval
from curfew.model.profiles import Audience
from curfew.services import Services

_LOST = "Too few of those who have consented may still decide."
_GONE = "Who asked for it is not in the home tenant any more, or his account there is disabled."


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands in the home tenant at this moment."""

    enabled: bool
    groups: frozenset[str] = frozenset()

    @property
    def refusals(self) -> tuple[FieldProblem, ...]:
        """Why nothing is given to him, whatever he asks for."""
        return () if self.enabled else (FieldProblem("", _GONE),)


async def groups_of(
    services: Services, caller: Caller, *audiences: Audience | None
) -> frozenset[str]:
    """Those groups of the audiences that a caller is in, as far as they matter.

    Without an audience that names groups and not the caller himself the directory is not asked.
    """
    wanted = _deciding(caller.id, *audiences)
    if not wanted or caller.groups is not None:
        return wanted & (caller.groups or frozenset())
    try:
        return await services.home.members.groups_of(
            caller.id, wanted, is_application=caller.is_application
        )
    except Missing:
        # The token is good and its holder is gone.
        return frozenset()


async def standing_of(services: Services, object_id: str, audience: Audience | None) -> Standing:
    """Whether somebody is still there and enabled, and his groups of an audience, read now."""
    members = services.home.members
    try:
        member = await members.find(object_id)
        if not member.enabled:
            return Standing(enabled=False)
        groups = await members.groups_of(
            member.id, _deciding(object_id, audience), is_application=member.is_application
        )
    except Missing:
        return Standing(enabled=False)
    return Standing(enabled=True, groups=groups)


async def lost_consent(
    services: Services, approval: Approval | None, audience: Audience | None
) -> tuple[FieldProblem, ...]:
    """Why consent that was given is not enough any more: who gave it may not decide by now.

    He has left, or he is none of the approvers that the profile names today.
    """
    if approval is None or not approval.given:
        return ()
    said_yes = {decision.by.id for decision in approval.decisions if decision.approves}
    deciders = sorted(said_yes)
    standings = await together(*(standing_of(services, who, audience) for who in deciders))
    count = sum(
        standing.enabled and is_among(audience, who, standing.groups)
        for who, standing in zip(deciders, standings, strict=True)
    )
    return () if count >= approval.needed else (FieldProblem("", _LOST),)


def _deciding(object_id: str, *audiences: Audience | None) -> frozenset[str]:
    """The groups on which it depends whether somebody belongs to the audiences."""
    return frozenset(
        group
        for audience in audiences
        if audience is not None and object_id not in audience.people
        for group in audience.groups
    )
