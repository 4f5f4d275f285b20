"""Asking, consenting and extending over the API, in virtual time, in a customer of one's own."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import durabletask.internal.orchestrator_service_pb2 as pb

from curfew.errors import Missing
from curfew.model.approvals import Extension
from curfew.model.grants import GrantState, Lease
from curfew.model.profiles import Profile, ProfileSettings
from curfew.model.tenants import Tenant as SavedTenant
from curfew.model.tenants import TenantSettings
from tests.lifecycle.client import ANN, PETRA, Answer, Api, Hub, Persona
from tests.lifecycle.engine import Activity, Engine, Instance
from tests.lifecycle.world import (
    HELPDESK_ADMINISTRATOR,
    HOUR,
    SECURITY_READER,
    World,
    registered_functions,
)

APPROVE, DENY, EXTEND, END = "approve", "deny", "extend", "end"
DAY = timedelta(days=1)
CONSENT: dict[str, Any] = {
    "approvals": 1,
    "approve_extensions": True,
    "approval_deadline": "PT20M",
}
"""What a profile says that wants consent to requests and to extensions."""


async def no_pause(_: float) -> None:
    """Handlers wait for no workflow here: none runs while they do."""


class Desk:
    """The API with the settings of one customer, whose labels are not the directory's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.api = Api(Hub(world.engine), world.wait, world.demo.home.id)
        self.customer = world.customer
        world.services.pause = no_pause

    def tenant(self, **changes: Any) -> None:
        """Write the tenant's settings: the defaults with these changes."""
        store = self.world.services.tenants
        said = {"display_name": "As labelled", "account_domain": self.customer.domain}
        settings = TenantSettings.model_validate(said | changes)
        leaving = {"leaving_since": None}
        etag = ""
        with suppress(Missing):
            etag = self.world.wait(store.get(self.customer.id)).etag
        tenant = SavedTenant(id=self.customer.id, etag=etag, **(leaving | dict(settings)))
        self.world.wait(store.put(tenant))

    def leave(self) -> None:
        """Off-boarding of the tenant begins."""
        store = self.world.services.tenants
        tenant = self.world.wait(store.get(self.customer.id))
        leaving = tenant.model_copy(update={"leaving_since": self.world.clock()})
        self.world.wait(store.put(leaving))

    def profile(self, name: str = "helpdesk", **changes: Any) -> None:
        """Write a profile: the defaults with these changes."""
        store = self.world.services.tenants
        said = {
            "display_name": "As labelled",
            "roles": (SECURITY_READER, HELPDESK_ADMINISTRATOR),
            "credential": "both",
        }
        settings = ProfileSettings.model_validate(said | changes)
        labels = dict.fromkeys(settings.roles, "Harmless label")
        groups = dict.fromkeys(settings.groups, "Harmless label")
        etag = ""
        with suppress(Missing):
            etag = self.world.wait(store.profile(self.customer.id, name)).etag
        profile = Profile(
            tenant=self.customer.id,
            name=name,
            role_names=labels,
            group_names=groups,
            etag=etag,
            **dict(settings),
        )
        self.world.wait(store.put_profile(profile))

    def forget_profile(self) -> None:
        """The profile is deleted."""
        store = self.world.services.tenants
        profile = self.world.wait(store.profile(self.customer.id, "helpdesk"))
        self.world.wait(store.delete_profile(profile))

    def request(self, caller: Persona = ANN, *, key: str = "", **fields: Any) -> Answer:
        """Ask for a grant of the profile; the answer, whatever it is."""
        asked = {"tenant": self.customer.id, "profile": "helpdesk", "duration": "PT1H"}
        headers = {"Idempotency_Key": key} if key else {}
        return self.api(caller, "POST", "/api/grants", asked | fields, **headers)

    def ask(self, caller: Persona = ANN, **fields: Any) -> str:
        """Ask for a grant that is accepted; its id. The workflow has come to its first wait."""
        answer = self.request(caller, **fields)
        assert answer.status == 202, answer.body
        self.settle()
        grant_id: str = answer["id"]
        return grant_id

    def active(self, caller: Persona = ANN, **fields: Any) -> str:
        """A grant that is active; its id."""
        grant_id = self.ask(caller, **fields)
        self.world.engine.run_for(timedelta(minutes=1))
        assert self.lease(grant_id).state is GrantState.ACTIVE
        return grant_id

    def consented(self) -> str:
        """A grant that is active by Petra's consent; its id."""
        grant_id = self.ask()
        assert self.say(PETRA, APPROVE, grant_id).status == 202
        self.world.engine.run_for(timedelta(minutes=1))
        assert self.lease(grant_id).state is GrantState.ACTIVE
        return grant_id

    def extended(self, grant_id: str, by: Persona = ANN, duration: str = "PT1H") -> Extension:
        """A wish that the workflow has heard, and what became of it."""
        assert self.say(by, EXTEND, grant_id, duration=duration).status == 202
        self.settle()
        return self.lease(grant_id).extensions[-1]

    def is_enabled(self) -> bool:
        """Whether Ann's account can be used."""
        return self.world.user().account_enabled

    def say(self, caller: Persona, what: str, grant_id: str, **body: Any) -> Answer:
        """Approve, deny, extend or end; the workflow has heard it, and has not moved yet."""
        return self.api(caller, "POST", f"/api/grants/{grant_id}/{what}", body)

    def see(self, caller: Persona, grant_id: str) -> Answer:
        """Read a grant."""
        return self.api(caller, "GET", f"/api/grants/{grant_id}")

    def settle(self) -> None:
        """Let the workflows do all that they do without waiting for a timer."""
        self.world.engine.run(until=self.world.clock())

    def until(self, moment: datetime) -> None:
        """Let the workflows run up to a moment."""
        self.world.engine.run(until=moment)

    def lease(self, grant_id: str) -> Lease:
        """A grant as the ledger has it."""
        found: Lease = self.world.wait(self.world.services.leases.find(grant_id))
        return found

    def instance(self, grant_id: str) -> Instance:
        """The workflow of a grant."""
        return self.world.engine.instances[grant_id]

    def deliver(self, grant_id: str, order: Iterable[str]) -> None:
        """Put what has been said and not been heard into this order; `deadline` is a timer.

        All of it reaches the workflow in one batch.
        """
        pending = self.instance(grant_id).pending
        by_name = {_name(event): event for event in pending}
        assert len(by_name) == len(pending)
        pending[:] = [by_name[name] for name in order]

    def expiry_of(self, grant_id: str) -> datetime:
        """When an active grant is over, as the ledger has it."""
        expires_at = self.lease(grant_id).expires_at
        assert expires_at is not None
        return expires_at

    def holder(self) -> str | None:
        """The grant that holds the claim on Ann's account."""
        name = f"msp-ann@{self.customer.domain}"
        found: str | None = self.world.wait(
            self.world.services.leases.holder(self.customer.id, name)
        )
        return found

    def assert_nothing_was_given(self) -> None:
        """Neither the directory nor the vault was written to, and no account was made."""
        assert self.world.graph_writes() == []
        assert self.world.cloud.calls.vault(method="PUT") == []
        assert self.customer.find_user(f"msp-ann@{self.customer.domain}") is None

    def assert_closed(self, grant_id: str, reason: str) -> None:
        """Over, for this reason, with nothing given and the account free; the workflow is done."""
        lease = self.lease(grant_id)
        assert (lease.state, lease.end_reason) == (GrantState.CLOSED, reason)
        assert self.holder() is None
        assert self.instance(grant_id).completed
        assert lease.evidence is None


def running_everything_twice(world: World) -> Engine:
    """An engine that runs every step twice, as one does whose worker was lost with the answer."""
    flows, steps = registered_functions()

    def twice(name: str) -> Activity:
        async def run(message: object) -> object:
            await steps[name](message=message)
            return await steps[name](message=message)

        return run

    return Engine(flows, {name: twice(name) for name in steps}, world.clock, world.loop)


def _name(event: pb.HistoryEvent) -> str:
    if event.HasField("eventRaised"):
        return event.eventRaised.name
    assert event.HasField("timerFired")
    return "deadline"


def starts(moment: datetime) -> dict[str, Any]:
    return {"startAt": moment.isoformat().replace("+00:00", "Z")}


def booked(desk: Desk, ahead: timedelta = 20 * HOUR) -> tuple[str, datetime]:
    """A grant that is to begin so much later; its id and its start."""
    start = desk.world.clock() + ahead
    return desk.ask(**starts(start)), start
