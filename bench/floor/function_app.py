"""The least that the engine can be asked to do: empty activities and a timer, begun over HTTP."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from durabletask import task

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

type Workflow = Generator[task.Task[Any], Any]


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    """Start an orchestration by its name, with the body as its input; answers its id."""
    name = req.route_params["name"]
    instance = await client.schedule_new_orchestration(name, input=req.get_json())
    return func.HttpResponse(instance, status_code=202)


@app.orchestration_trigger(context_name="context")
def live(context: task.OrchestrationContext, seconds: float) -> Workflow:
    """What a grant is at the least: give, wait, take back."""
    yield context.call_activity("nothing", input="give")
    yield context.create_timer(timedelta(seconds=seconds))
    yield context.call_activity("nothing", input="take back")


@app.orchestration_trigger(context_name="context")
def expire(context: task.OrchestrationContext, moment: str) -> Workflow:
    """What an expiry is at the least: wait, disable."""
    yield context.create_timer(datetime.fromisoformat(moment))
    yield context.call_activity("nothing", input="disable")


@app.activity_trigger(input_name="what")
def nothing(what: str) -> str:
    """Do nothing."""
    return what
