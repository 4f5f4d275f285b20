"""Roles for a time, through Privileged Identity Management (PIM) of one tenant.

Microsoft ends such an assignment by itself, with this app dead or locked out. PIM needs Entra ID
P2 or Governance; without it every call here raises `Unlicensed`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.models.expiration_pattern import ExpirationPattern
from msgraph.generated.models.expiration_pattern_type import ExpirationPatternType
from msgraph.generated.models.request_schedule import RequestSchedule
from msgraph.generated.models.ticket_info import TicketInfo
from msgraph.generated.models.unified_role_assignment_schedule_request import (
    UnifiedRoleAssignmentScheduleRequest,
)
from msgraph.generated.models.unified_role_eligibility_schedule_request import (
    UnifiedRoleEligibilityScheduleRequest,
)
from msgraph.generated.models.unified_role_schedule_request_actions import (
    UnifiedRoleScheduleRequestActions as Action,
)
from msgraph.generated.role_management.directory.role_assignment_schedule_instances.role_assignment_schedule_instances_request_builder import (  # noqa: E501
    RoleAssignmentScheduleInstancesRequestBuilder,
)

from curfew.entra.access import WHOLE_DIRECTORY
from curfew.entra.answers import Answer
from curfew.entra.graph import Graph
from curfew.errors import AlreadyExists, NotYet, Rejected, TooSoon, Unavailable

_DIRECT = "Direct"
_NOT_THERE = "RoleAssignmentDoesNotExist"
_FOR_GOOD = "noexpiration"
_AT_ONCE = timedelta(minutes=5)

type Ticket = tuple[str, str]
"""The system and the number of a ticket, as PIM shows them to the tenant's administrators."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """A role that a principal has, may activate or will have; `scope` is `/` for everywhere.

    `timed` is one with an end. `later` is one that was made to begin some time after it was made;
    by now it may have begun. Two of the same role and scope are equal: PIM takes away both alike.
    """

    role_id: str
    scope: str
    timed: bool = field(default=True, compare=False)
    later: bool = field(default=False, compare=False)


class Schedules:
    """Time-bound and eligible directory roles of the principals of one tenant."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def assign(
        self,
        principal_id: str,
        role_id: str,
        until: datetime,
        *,
        justification: str,
        ticket: Ticket | None,
    ) -> None:
        """Give a role over the whole directory until a moment, from now on.

        An assignment for a time that is there already ends at that moment afterwards, sooner or
        later than before. Whose it is, the caller knows from `active`.

        Raises:
            AlreadyExists: the principal holds the role for good. Nothing is changed, or what
                somebody holds for good would end with this grant.
            Missing: the principal is not known yet where roles are kept.
            NotYet: the role is assigned, and the directory does not show until when.
            Rejected: the tenant's policy for the role says no, or the time is too short for PIM.
        """
        try:
            await self._ask(
                Action.AdminAssign, principal_id, role_id, _until(until), justification, ticket
            )
        except AlreadyExists:
            held = await self.active(principal_id)
            if role_id not in held:
                message = "The role is assigned, and the directory does not show until when."
                raise NotYet(message) from None
            if (end := held[role_id]) is None:
                raise
            if end != _whole(until):
                await self.extend(
                    principal_id, role_id, until, justification=justification, ticket=ticket
                )

    async def extend(
        self,
        principal_id: str,
        role_id: str,
        until: datetime,
        *,
        justification: str,
        ticket: Ticket | None,
    ) -> None:
        """Move the end of an assignment for a time.

        Raises:
            Rejected: there is none to move, or the tenant's policy says no.
        """
        await self._ask(
            Action.AdminUpdate, principal_id, role_id, _until(until), justification, ticket
        )

    async def remove(self, principal_id: str, role_id: str, scope: str = WHOLE_DIRECTORY) -> None:
        """Take an active assignment away, for a time or for good. One that is gone is done.

        Roles that the principal activated itself stay: taking away the eligibility, or deleting
        the role assignment, ends those. PIM may say "does not exist" and show the assignment for
        a while, so only reading back tells that it is gone.

        Raises:
            TooSoon: it is younger than five minutes.
        """
        request = UnifiedRoleAssignmentScheduleRequest(
            action=Action.AdminRemove,
            principal_id=principal_id,
            role_definition_id=role_id,
            directory_scope_id=scope,
            justification="The time of the grant is over.",
        )
        builder = self._graph.client.role_management.directory.role_assignment_schedule_requests
        await self._take("remove scheduled role", builder.to_post_request_information(request))

    async def active(self, principal_id: str) -> dict[str, datetime | None]:
        """The end of every role that a principal itself holds over the whole directory, by role.

        None is for good; direct assignments are among them. One that PIM has not put into effect
        yet is not.
        """
        builder = self._graph.client.role_management.directory.role_assignment_schedule_instances
        found = await self._instances("read scheduled roles", builder, principal_id)
        ends: dict[str, datetime | None] = {}
        for instance in found:
            if instance.text("directoryScopeId") != WHOLE_DIRECTORY:
                continue
            role_id, end = instance.needed("roleDefinitionId"), instance.moment("endDateTime")
            known = ends.get(role_id, end)
            ends[role_id] = None if known is None or end is None else max(known, end)
        return ends

    async def planned(self, principal_id: str) -> list[Eligibility]:
        """The roles that a principal is assigned to, now or from some day on, and where.

        Whoever held a strong role could have had it given to itself from next week on.
        """
        builder = self._graph.client.role_management.directory.role_assignment_schedules
        found = await self._instances("read planned roles", builder, principal_id)
        return [_eligibility(schedule) for schedule in found]

    async def eligible(self, principal_id: str) -> list[Eligibility]:
        """The roles that a principal may activate by itself, now or from some day on.

        Whoever held a strong role could have made itself eligible, and have it back tomorrow.
        """
        builder = self._graph.client.role_management.directory.role_eligibility_schedules
        found = await self._instances("read eligible roles", builder, principal_id)
        return [_eligibility(schedule) for schedule in found]

    async def remove_eligibility(self, principal_id: str, eligibility: Eligibility) -> None:
        """Take an eligibility away. One that is gone is done, if reading back says so."""
        request = UnifiedRoleEligibilityScheduleRequest(
            action=Action.AdminRemove,
            principal_id=principal_id,
            role_definition_id=eligibility.role_id,
            directory_scope_id=eligibility.scope,
            justification="The time of the grant is over.",
        )
        builder = self._graph.client.role_management.directory.role_eligibility_schedule_requests
        await self._take("remove eligible role", builder.to_post_request_information(request))

    async def _ask(
        self,
        action: Action,
        principal_id: str,
        role_id: str,
        schedule: RequestSchedule,
        justification: str,
        ticket: Ticket | None,
    ) -> None:
        request = UnifiedRoleAssignmentScheduleRequest(
            action=action,
            principal_id=principal_id,
            role_definition_id=role_id,
            directory_scope_id=WHOLE_DIRECTORY,
            justification=justification,
            schedule_info=schedule,
            ticket_info=_shown(ticket),
        )
        builder = self._graph.client.role_management.directory.role_assignment_schedule_requests
        try:
            await self._graph.send("schedule role", builder.to_post_request_information(request))
        except TooSoon as error:
            # Of a removal it means "later"; of an assignment that its whole time is too short.
            raise Rejected(
                error.service,
                error.operation,
                status=error.status,
                service_code=error.service_code,
                request_id=error.request_id,
            ) from error

    async def _take(self, operation: str, request: RequestInformation) -> None:
        try:
            await self._graph.send(operation, request)
        except Rejected as error:
            if error.service_code != _NOT_THERE:
                raise

    async def _instances(self, operation: str, builder: Any, principal_id: str) -> list[Answer]:  # noqa: ANN401 - all lists of PIM are read alike
        query = RoleAssignmentScheduleInstancesRequestBuilder.RoleAssignmentScheduleInstancesRequestBuilderGetQueryParameters(  # noqa: E501
            filter=f"principalId eq '{principal_id}'"
        )
        found = await self._graph.collect(
            operation,
            builder.to_get_request_information(RequestConfiguration(query_parameters=query)),
        )
        if any(not instance.text("roleDefinitionId") for instance in found):
            # Half an answer is no answer.
            raise Unavailable("directory", operation)
        # What comes to it through a group is shown as its own and goes with the membership only.
        return [instance for instance in found if instance.text("memberType") in {None, _DIRECT}]


def _eligibility(schedule: Answer) -> Eligibility:
    scope = schedule.text("directoryScopeId") or WHOLE_DIRECTORY
    info = schedule.part("scheduleInfo")
    expiration = info.part("expiration") if info else None
    kind = expiration.text("type") if expiration else None
    start = info.moment("startDateTime") if info else None
    made = schedule.moment("createdDateTime")
    return Eligibility(
        schedule.needed("roleDefinitionId"),
        scope,
        timed=(kind or "").casefold() != _FOR_GOOD,
        later=start is not None and made is not None and start > made + _AT_ONCE,
    )


def _until(moment: datetime) -> RequestSchedule:
    expiration = ExpirationPattern(
        type=ExpirationPatternType.AfterDateTime, end_date_time=_whole(moment)
    )
    return RequestSchedule(expiration=expiration)


def _shown(ticket: Ticket | None) -> TicketInfo | None:
    if ticket is None:
        return None
    system, number = ticket
    return TicketInfo(ticket_system=system, ticket_number=number)


def _whole(moment: datetime) -> datetime:
    """The moment in whole seconds, as the directory keeps it; never later."""
    return moment.astimezone(UTC).replace(microsecond=0)
