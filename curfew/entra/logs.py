"""The directory's own logs: what an account changed, and when it signed in.

Microsoft allows five requests in ten seconds per tenant, so pages are as large as they can be,
and nothing is asked twice.
"""

from datetime import UTC, datetime

from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.audit_logs.directory_audits.directory_audits_request_builder import (
    DirectoryAuditsRequestBuilder,
)
from msgraph.generated.audit_logs.sign_ins.sign_ins_request_builder import SignInsRequestBuilder

from curfew.entra.answers import Answer
from curfew.entra.graph import Graph
from curfew.model.reports import Change, SignIn, Target

MOST = 1000
_PAGE = 500
_LONGEST = 200
_MOST_TARGETS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Logs:
    """The logs of one tenant. Of more than a thousand entries the newest are answered."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def changes_by(
        self, account_id: str, since: datetime, until: datetime
    ) -> tuple[list[Change], bool]:
        """What an account changed, oldest first, and whether there is more than is answered.

        Raises:
            Denied: the app may not read the logs here.
            Rejected: `since` is older than the tenant's log reaches.
        """
        times = f"activityDateTime ge {_time(since)} and activityDateTime le {_time(until)}"
        query = DirectoryAuditsRequestBuilder.DirectoryAuditsRequestBuilderGetQueryParameters(
            filter=f"initiatedBy/user/id eq '{account_id}' and {times}", top=_PAGE
        )
        request = self._graph.client.audit_logs.directory_audits.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found, truncated = await self._newest("read the log of changes", request)
        return sorted(map(_change, found), key=lambda change: change.at), truncated

    async def sign_ins_of(
        self, account_id: str, since: datetime, until: datetime
    ) -> tuple[list[SignIn], bool]:
        """The interactive sign-ins of an account, oldest first, and whether there are more.

        Raises:
            Unlicensed: the tenant has no Microsoft Entra ID P1.
            Denied: the app may not read the logs here.
        """
        times = f"createdDateTime ge {_time(since)} and createdDateTime le {_time(until)}"
        query = SignInsRequestBuilder.SignInsRequestBuilderGetQueryParameters(
            filter=f"userId eq '{account_id}' and {times}", top=_PAGE
        )
        request = self._graph.client.audit_logs.sign_ins.to_get_request_information(
            RequestConfiguration(query_parameters=query)
        )
        found, truncated = await self._newest("read the log of sign-ins", request)
        return sorted(map(_sign_in, found), key=lambda sign_in: sign_in.at), truncated

    async def _newest(
        self, operation: str, request: RequestInformation
    ) -> tuple[list[Answer], bool]:
        found: list[Answer] = []
        while True:
            page = await self._graph.page(operation, request, limits_apart=True)
            found += page.items
            if page.following is None:
                return found[:MOST], len(found) > MOST
            if len(found) >= MOST:
                return found[:MOST], True
            request = page.following


def _change(entry: Answer) -> Change:
    resources = entry.parts("targetResources") or []
    modified = [
        each for resource in resources for each in resource.parts("modifiedProperties") or []
    ]
    return Change(
        at=entry.moment("activityDateTime") or _EPOCH,
        activity=_short(entry.text("activityDisplayName")),
        category=_short(entry.text("category")),
        result=_short(entry.text("result")),
        targets=tuple(map(_target, resources[:_MOST_TARGETS])),
        properties=tuple(dict.fromkeys(_short(each.text("displayName")) for each in modified))[:20],
    )


def _target(resource: Answer) -> Target:
    return Target(
        id=_short(resource.text("id")),
        kind=_short(resource.text("type")),
        name=_short(resource.text("userPrincipalName") or resource.text("displayName")),
    )


def _sign_in(entry: Answer) -> SignIn:
    status = entry.part("status")
    code = status.number("errorCode") if status else None
    return SignIn(
        at=entry.moment("createdDateTime") or _EPOCH,
        app=_short(entry.text("appDisplayName")),
        ip=_short(entry.text("ipAddress")),
        result="success" if code == 0 else str(code),
    )


def _short(text: str | None) -> str:
    return (text or "")[:_LONGEST]


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
