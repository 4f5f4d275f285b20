"""A sample app: orchestrations with everything the dev host has to carry."""

import asyncio
import json
import logging
import os
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from durabletask import task
from durabletask.entities import EntityContext, EntityInstanceId

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    given = json.loads(req.get_body() or b"null")
    instance_id = await client.schedule_new_orchestration(req.route_params["name"], input=given)
    return func.HttpResponse(instance_id, status_code=202)


@app.route(route="instances/{id}", methods=["GET"])
@app.durable_client_input(client_name="client")
async def show(req: func.HttpRequest, client: df.DurableFunctionsClient) -> func.HttpResponse:
    state = await client.get_orchestration_state(req.route_params["id"], fetch_payloads=True)
    if state is None:
        return func.HttpResponse(status_code=404)
    answer = {"status": state.runtime_status.name, "output": state.serialized_output}
    if state.failure_details is not None:
        answer["error"] = state.failure_details.error_type
        answer["message"] = state.failure_details.message
    return func.HttpResponse(json.dumps(answer), mimetype="application/json")


@app.route(route="instances/{id}/events/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def raise_event(
    req: func.HttpRequest, client: df.DurableFunctionsClient
) -> func.HttpResponse:
    await client.raise_orchestration_event(
        req.route_params["id"], req.route_params["name"], data=req.get_json()
    )
    return func.HttpResponse(status_code=202)


@app.route(route="waiting", methods=["GET"])
async def waiting(req: func.HttpRequest) -> func.HttpResponse:
    logging.getLogger("sample").warning("waiting begins")
    await asyncio.sleep(1.5)
    return func.HttpResponse("waited")


def counter(ctx: EntityContext, amount: int) -> int:
    total = ctx.get_state(int, 0) + amount
    ctx.set_state(total)
    return total


app.entity_trigger(context_name="context")(counter)


@app.orchestration_trigger(context_name="context")
def counting(ctx: task.OrchestrationContext, key: str) -> Generator[task.Task[Any], Any, list[int]]:
    entity = EntityInstanceId("counter", key)
    first = yield ctx.call_entity(entity, "add", input=1)
    second = yield ctx.call_entity(entity, "add", input=2)
    return [first, second]


@app.orchestration_trigger(context_name="context")
def versioned(ctx: task.OrchestrationContext, _given: None) -> str | None:
    return ctx.version


@app.orchestration_trigger(context_name="context")
def steps(ctx: task.OrchestrationContext, count: int) -> Generator[task.Task[Any], Any, int]:
    done = 0
    for number in range(count):
        done += yield ctx.call_activity("nothing", input=number)
    return done


@app.activity_trigger(input_name="number")
def nothing(number: int) -> int:
    return 1


@app.orchestration_trigger(context_name="context")
def story(
    ctx: task.OrchestrationContext, given: dict[str, Any]
) -> Generator[task.Task[Any], Any, dict[str, Any]]:
    """One second of waiting, an activity that fails twice, and a word from outside."""
    yield ctx.create_timer(timedelta(seconds=1))
    policy = task.RetryPolicy(
        first_retry_interval=timedelta(milliseconds=50), max_number_of_attempts=5
    )
    attempts = yield ctx.call_activity("stumble", input=given["marks"], retry_policy=policy)
    word = yield ctx.wait_for_external_event("word")
    return {"attempts": attempts, "word": word}


@app.activity_trigger(input_name="marks")
def stumble(marks: str) -> int:
    with Path(marks).open("a", encoding="utf-8") as file:
        file.write("stumble\n")
    attempts = len(Path(marks).read_text(encoding="utf-8").splitlines())
    if attempts < 3:
        raise ValueError(f"attempt {attempts}\nis too early")
    return attempts


@app.orchestration_trigger(context_name="context")
def marked(ctx: task.OrchestrationContext, marks: str) -> Generator[task.Task[Any], Any, list[int]]:
    first = yield ctx.call_activity("mark", input=marks)
    second = yield ctx.call_activity("mark", input=marks)
    return [first, second]


@app.activity_trigger(input_name="marks")
def mark(marks: str) -> int:
    with Path(marks).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    return len(Path(marks).read_text(encoding="utf-8").splitlines())


@app.orchestration_trigger(context_name="context")
def together(ctx: task.OrchestrationContext, count: int) -> Generator[task.Task[Any], Any, int]:
    results = yield task.when_all([ctx.call_activity("nap", input=0.3) for _ in range(count)])
    return len(results)


@app.activity_trigger(input_name="seconds")
def nap(seconds: float) -> float:
    logging.getLogger("sample").info("napping", extra={"seconds": seconds})
    time.sleep(seconds)
    return seconds


@app.orchestration_trigger(context_name="context")
def failing(ctx: task.OrchestrationContext, _given: None) -> Generator[task.Task[Any], Any, str]:
    try:
        yield ctx.call_activity("fail")
    except task.TaskFailedError as failure:
        return f"{failure.details.error_type}|{failure.details.message}"
    return "no failure"


@app.activity_trigger(input_name="given")
def fail(given: None) -> None:
    raise LookupError("first line\nsecond line")


@app.orchestration_trigger(context_name="context")
def overlong(ctx: task.OrchestrationContext, _given: None) -> Generator[task.Task[Any], Any, str]:
    try:
        yield ctx.call_activity("nap", input=60)
    except task.TaskFailedError as failure:
        return failure.details.error_type
    return "no failure"
