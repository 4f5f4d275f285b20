"""What a schedule request says, and the rules it must keep."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.directory.policies import RolePolicy
from simulator.directory.views import stamp
from simulator.graph.errors import bad_request, refuse

# An active assignment cannot be removed before it has lived this long.
FLOOR = timedelta(minutes=5)
_ACTIONS = {"adminAssign", "adminUpdate", "adminExtend", "adminRemove"}
_DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)


@dataclass(frozen=True)
class Terms:
    """A request, read and checked for form."""

    action: str
    principal_id: str
    role_id: str
    scope: str
    start: datetime
    end: datetime | None
    expiration: dict[str, Any]
    justification: str | None
    ticket: dict[str, Any] | None
    validation_only: bool

    def schedule_document(self) -> dict[str, Any]:
        """The schedule as the answer repeats it."""
        return {
            "startDateTime": stamp(self.start),
            "recurrence": None,
            "expiration": {
                "type": self.expiration.get("type", "noExpiration"),
                "duration": self.expiration.get("duration"),
                "endDateTime": stamp(self.end),
            },
        }


def read_terms(body: dict[str, Any], now: datetime) -> Terms:
    """Read the body of a request; 400 for what it cannot mean."""
    action = body.get("action")
    if action not in _ACTIONS:
        raise bad_request(f"The action '{action}' is not supported for an application.")
    for name in ("principalId", "roleDefinitionId", "directoryScopeId"):
        if not isinstance(body.get(name), str):
            raise bad_request(f"A value is required for property '{name}'.")
    if body["directoryScopeId"] != "/":
        raise bad_request("Only the directory scope '/' exists here.")
    schedule = body.get("scheduleInfo") or {}
    if not isinstance(schedule, dict):
        raise bad_request("Invalid scheduleInfo.")
    start = max(_time(schedule.get("startDateTime")) or now, now)
    expiration = schedule.get("expiration") or {}
    return Terms(
        action=action,
        principal_id=body["principalId"].lower(),
        role_id=body["roleDefinitionId"].lower(),
        scope=body["directoryScopeId"],
        start=start,
        end=_end(expiration, start),
        expiration=expiration,
        justification=body.get("justification"),
        ticket=body.get("ticketInfo"),
        validation_only=bool(body.get("isValidationOnly")),
    )


def check_terms(policy: RolePolicy, terms: Terms) -> None:
    """Refuse what the tenant's policy does not allow, naming every broken rule at once."""
    broken: list[str] = []
    if terms.end is None:
        if not policy.permanent_allowed:
            broken.append("ExpirationRule")
    elif terms.end <= terms.start or (
        policy.maximum is not None and terms.end - terms.start > policy.maximum
    ):
        broken.append("ExpirationRule")
    if policy.justification_required and not terms.justification:
        broken.append("JustificationRule")
    if policy.ticket_required and not (terms.ticket or {}).get("ticketNumber"):
        broken.append("TicketingRule")
    if broken:
        names = ",".join(f'"{name}"' for name in broken)
        raise refuse(
            400,
            "RoleAssignmentRequestPolicyValidationFailed",
            f"The following policy rules failed: [{names}]",
        )


def check_removal(start: datetime, now: datetime) -> None:
    """Refuse to remove an assignment that has been active for less than five minutes."""
    if start <= now < start + FLOOR:
        raise refuse(
            400,
            "ActiveDurationTooShort",
            "The Active duration is too short. Miniumum Required is 5 minutes.",
        )


def _end(expiration: Any, start: datetime) -> datetime | None:
    if not isinstance(expiration, dict):
        raise bad_request("Invalid expiration.")
    match str(expiration.get("type", "noExpiration")).lower():
        case "noexpiration" | "notspecified":
            return None
        case "afterdatetime":
            end = _time(expiration.get("endDateTime"))
            if end is None:
                raise bad_request("endDateTime is required for afterDateTime.")
            return end
        case "afterduration":
            return start + _duration(expiration.get("duration"))
        case other:
            raise bad_request(f"Unknown expiration type '{other}'.")


def _duration(text: Any) -> timedelta:
    found = _DURATION.match(text) if isinstance(text, str) else None
    parts = (
        {name: float(value) for name, value in found.groupdict().items() if value} if found else {}
    )
    if not parts:
        raise bad_request(f"Invalid duration '{text}'.")
    return timedelta(**parts)


def _time(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise bad_request(f"Invalid date and time '{text}'.") from error
    if moment.tzinfo is None:
        raise bad_request(f"The date and time '{text}' has no time zone.")
    return moment
