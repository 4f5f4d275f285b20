"""What a tenant's administrators, its licences and the test at hand have decided."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass
class AccessPassPolicy:
    """The policy for temporary access passes, for and not for members of groups.

    `targets` are group ids, or `all_users`; whoever is in a group of `excluded` is left out.
    """

    enabled: bool = True
    minimum_minutes: int = 60
    maximum_minutes: int = 480
    default_minutes: int = 60
    length: int = 8
    usable_once: bool = False
    targets: list[str] = field(default_factory=lambda: ["all_users"])
    excluded: list[str] = field(default_factory=list)


@dataclass
class RolePolicy:
    """The Privileged Identity Management policy for active assignments, one for all roles."""

    maximum: timedelta | None = None
    permanent_allowed: bool = True
    justification_required: bool = False
    ticket_required: bool = False


@dataclass
class Knobs:
    """How hard one tenant makes it for its callers. All zero: a directory without delay.

    * `replication_seconds`, `replication_reads`: a new object is known for uniqueness at once
      but stays unseen for so long, or for so many reads.
    * `flapping_reads`: after that, so many reads see it and do not see it in turn.
    * `stale_seconds`: reads of an account show it as it was so long ago.
    * `index_seconds`: the same for searches with ConsistencyLevel eventual.
    * `assignment_seconds`: lists of role assignments lack a new one, and show one that was
      taken away, for so long.
    * `schedule_seconds`: a role given through PIM takes effect so much later.
    * `audit_seconds`: log entries appear so much later.
    * `conflict_status`: 400 or 409 for a role assignment that exists; the service has given both.
    * `published_limits`: enforce the documented request limits.
    """

    replication_seconds: float = 0
    replication_reads: int = 0
    flapping_reads: int = 0
    stale_seconds: float = 0
    index_seconds: float = 0
    assignment_seconds: float = 0
    schedule_seconds: float = 0
    audit_seconds: float = 0
    conflict_status: int = 400
    published_limits: bool = False
    mandatory_mfa: bool = True
