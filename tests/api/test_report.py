"""The activity report over HTTP: beside the grant that it is about, and not in lists."""

import asyncio
from typing import Any

from curfew.ledger import Leases, Tables
from curfew.model.reports import ActivityReport, Change
from devhost.stack import helpdesk
from tests.api.house import House


def test_a_grant_shows_its_report_and_a_list_does_not(house: House) -> None:
    ann = house.as_("ann")
    customer = house.customer({"helpdesk": helpdesk()})
    grant = house.end(ann, house.grant(ann, customer)["id"])
    assert grant["report"] is None
    at = grant["endedAt"]
    change = Change(at=at, activity="Add user", category="UserManagement", result="success")
    report = ActivityReport(made_at=at, since=at, until=at, changes=(change,))

    async def attach() -> None:
        tables = Tables.by_connection_string(house.azurite.connection_string)
        await Leases(tables).attach(grant["id"], report)
        await tables.close()

    asyncio.run(attach())
    for alias in ("ann", "petra", "ada", "otto"):
        shown = house.as_(alias).get(f"/api/grants/{grant['id']}").json()
        assert shown["report"] == report.to_json()
    address = f"/api/grants?tenant={customer.id}"
    listed: dict[str, Any] = {}
    while address and not listed:
        page = ann.get(address).json()
        listed, address = next(iter(page["value"]), {}), page["nextLink"]
    assert (listed["id"], listed["report"]) == (grant["id"], None)
