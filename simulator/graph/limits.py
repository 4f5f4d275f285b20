"""The published request limits of identity and access, and of the reports."""

from collections import deque
from datetime import datetime, timedelta

from simulator.directory.tenant import Tenant
from simulator.graph.errors import refuse

_UNITS_WINDOW = timedelta(seconds=10)
_WRITES_WINDOW = timedelta(seconds=150)
_WRITES = 3_000
_REPORTS = 5
# Of these the limits are published; those of role management and of authentication methods
# are not, so their calls cost nothing here.
_COSTLY = ("users", "groups", "organization", "domains", "directory", "subscribedSkus", "me")


class _Window:
    """What was spent lately."""

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._spent: deque[tuple[datetime, int]] = deque()
        self._total = 0

    def wait(self, now: datetime, cost: int, limit: int) -> int:
        """Spend, and return 0; or spend nothing and return the seconds to wait."""
        while self._spent and now - self._spent[0][0] >= self._length:
            self._total -= self._spent.popleft()[1]
        if self._total + cost > limit and self._spent:
            left = self._length - (now - self._spent[0][0])
            return max(1, -int(-left.total_seconds() // 1))
        self._spent.append((now, cost))
        self._total += cost
        return 0


class Limits:
    """Counters per application and tenant; in force where the tenant's knob says so."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, str], _Window] = {}

    def spend(
        self, tenant: Tenant, app: str, method: str, path: str, query: dict[str, str]
    ) -> dict[str, str]:
        """Count one call; raises 429 when it is one too many. Returns headers for the answer."""
        if not tenant.knobs.published_limits:
            return {}
        now = tenant.now()
        if path.startswith("auditLogs"):
            self._spend(("reports", tenant.id, app), _UNITS_WINDOW, now, 1, _REPORTS)
            return {}
        if not path.startswith(_COSTLY) or "/authentication/" in path:
            return {}
        cost = _cost(method, path, query)
        if method != "GET":
            self._spend(("writes", tenant.id, app), _WRITES_WINDOW, now, 1, _WRITES)
        self._spend(("units", tenant.id, app), _UNITS_WINDOW, now, cost, _allowance(tenant))
        return {"x-ms-resource-unit": str(cost)}

    def _spend(
        self, key: tuple[str, str, str], length: timedelta, now: datetime, cost: int, limit: int
    ) -> None:
        wait = self._windows.setdefault(key, _Window(length)).wait(now, cost, limit)
        if wait:
            raise refuse(
                429,
                "TooManyRequests",
                "Too many requests.",
                headers={
                    "retry-after": str(wait),
                    "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{key[2]}/{key[1]}",
                    "x-ms-throttle-information": "ResourceUnitLimitExceeded",
                },
            )


def _allowance(tenant: Tenant) -> int:
    """Resource units per ten seconds, by the size of the tenant."""
    if len(tenant.users) < 50:
        return 3_500
    return 5_000 if len(tenant.users) <= 500 else 8_000


def _cost(method: str, path: str, query: dict[str, str]) -> int:
    """The documented price of a call in resource units."""
    if method != "GET":
        return 1
    cost = 2 if path.startswith("users") else 1
    if path.endswith(("/members", "subscribedSkus")):
        cost = 3
    elif path.endswith(("/transitiveMembers", "/transitiveMemberOf")):
        cost = 5
    cost -= "$select" in query
    cost += "$expand" in query
    top = query.get("$top", "")
    cost -= top.isdigit() and int(top) < 20
    return max(1, cost)
