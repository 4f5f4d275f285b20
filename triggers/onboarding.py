"""How a customer comes aboard, over HTTP."""

from http import HTTPStatus

import azure.durable_functions as df

from curfew.errors import Missing, NotFound, ServiceError
from curfew.events import Event, report
from curfew.model.approvals import Person
from curfew.model.onboarding import OnboardingRequest
from triggers.edge import Call, Reply, serve
from triggers.pages import consent_page, unavailable_page
from triggers.queries import ConsentAnswer

blueprint = df.Blueprint()


async def begin_onboarding(call: Call) -> Reply:
    """Make a consent address for a tenant; where there can be none, say what its owner does.

    The address is told in this answer only. Asking again makes another one: both are good until
    one of them is answered or an hour is over.
    """
    from curfew.onboarding.describing import describe
    from curfew.onboarding.inviting import consent_address, invite

    request: OnboardingRequest = call.body
    by = Person(id=call.caller.id, name=call.caller.name)
    invitation = await invite(call.services, request, by)
    view = await describe(call.services, invitation)
    if not invitation.own_app:
        address = await consent_address(call.services, invitation)
        view = view.model_copy(update={"consent_address": address})
    headers = {"Location": f"/api/onboarding/{invitation.id}"}
    return Reply(view, HTTPStatus.CREATED, headers)


async def read_onboarding(call: Call) -> Reply:
    """How far an onboarding is."""
    from curfew.onboarding.describing import describe

    try:
        invitation = await call.services.invitations.get(call.path["onboardingId"])
    except Missing as error:
        message = "There is no such onboarding."
        raise NotFound(message) from error
    return Reply(await describe(call.services, invitation))


async def answer_onboarding(call: Call) -> Reply:
    """Take the answer to a consent address, and tell the person who brings it what came of it.

    A failure of ours is a page as well; nothing was written down then, or the answer stands.
    """
    from curfew.onboarding.answering import accept

    said: ConsentAnswer = call.query
    try:
        outcome, refusal = await accept(
            call.services,
            state=said.state,
            tenant=said.tenant,
            consented=said.admin_consent,
            error=said.error,
        )
    except ServiceError as error:
        report(Event.REQUEST_FAILED, error, operation="answer_onboarding", status=503, actor=None)
        return unavailable_page()
    return consent_page(outcome, refusal)


for _handler in (begin_onboarding, read_onboarding, answer_onboarding):
    serve(blueprint, _handler)
