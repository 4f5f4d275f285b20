"""How many grants one technician has at once, counted when it matters: after the lease is there."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from curfew.model.grants import Lease
from curfew.services import Services

if TYPE_CHECKING:
    from curfew.ledger import LiveGrant

_PAUSES = (0.1, 0.2, 0.4, 0.8)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


async def stays_within_limit(services: Services, lease: Lease) -> bool:
    """Whether a lease that was just written may stay beside its technician's others.

    Only a reading that was made after the writing and shows no more than the limit lets it stay.
    So of those that would be too many the last to write sees them all, and never more stay than
    the limit. Of requests in one moment the younger give way at once, and the elder look again;
    one that still sees too many gives way as well.

    Raises:
        ServiceError: the leases cannot be counted.
    """
    most = services.settings.max_live_grants
    for pause in (*_PAUSES, None):
        standing = await services.leases.live_of(lease.technician.id)
        if len(standing) <= most:
            return True
        if pause is None or _elders(standing, lease.plan.grant_id) >= most:
            return False
        await services.pause(pause)
    return False


def _elders(standing: "list[LiveGrant]", grant_id: str) -> int:
    """How many go before a grant: by the moment of the request, then by id.

    A lease that cannot be read gives way to nobody, so everybody gives way to it; and one that is
    gone by now has given way already.
    """
    order = sorted(standing, key=lambda each: (each.requested_at or _LONG_AGO, each.grant_id))
    ids = [each.grant_id for each in order]
    return ids.index(grant_id) if grant_id in ids else len(ids)
