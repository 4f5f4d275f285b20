"""The workflow engine as the API uses it, and what its errors mean."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import azure.durable_functions as df
import grpc
from durabletask.client import OrchestrationStatus
from durabletask.internal.orchestrator_service_pb2 import OrchestrationIdReusePolicy

from curfew.errors import AlreadyExists, Missing, ServiceError, Unavailable
from curfew.model.base import Model
from curfew.model.grants import Plan
from curfew.model.messages import END_EVENT, EndOrder, GrantInput, TakingBack

# The name under which `orchestrators` registers the workflow. Running instances know it: it is
# state, and changes as little as a table's name does.
GRANT = "grant"

# A workflow in one of these states does nothing any more, and may be followed by another.
_OVER = (
    OrchestrationStatus.COMPLETED,
    OrchestrationStatus.FAILED,
    OrchestrationStatus.TERMINATED,
)

_BY_CODE: dict[grpc.StatusCode, type[ServiceError]] = {
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.NOT_FOUND: Missing,
}


class Engine:
    """Starts grants and tells them to end. The grant id is the workflow's instance id."""

    def __init__(self, client: df.DurableFunctionsClient) -> None:
        self._client = client

    async def start(self, plan: Plan) -> None:
        """Start the workflow of a grant whose lease is written.

        Raises:
            AlreadyExists: it is running.
            Unavailable: no answer; it may have been started.
        """
        await self._start(GrantInput(plan=plan))

    async def end(self, plan: Plan, order: EndOrder) -> None:
        """Tell a grant to end. One whose workflow is lost gets a new one that only takes back."""
        with _classified("look up"):
            state = await self._client.get_orchestration_state(plan.grant_id, fetch_payloads=False)
        if state is None or state.runtime_status in _OVER:
            taking_back = TakingBack.begin(plan, order.ending())
            # Whoever was quicker has started the very same.
            with suppress(AlreadyExists):
                await self._start(GrantInput(plan=plan, taking_back=taking_back))
            return
        with _classified("raise event"):
            await self._client.raise_orchestration_event(
                plan.grant_id, END_EVENT, data=order.to_json()
            )

    async def tell(self, plan: Plan, event: str, message: Model) -> None:
        """Tell the workflow of a grant something that it decides about.

        Raises:
            Missing: the grant has no workflow any more; the sweep ends what it has left.
        """
        with _classified("look up"):
            state = await self._client.get_orchestration_state(plan.grant_id, fetch_payloads=False)
        if state is None or state.runtime_status in _OVER:
            raise Missing("engine", "look up")
        with _classified("raise event"):
            await self._client.raise_orchestration_event(
                plan.grant_id, event, data=message.to_json()
            )

    async def _start(self, work: GrantInput) -> None:
        with _classified("start"):
            await self._client.schedule_new_orchestration(
                GRANT,
                input=work.to_json(),
                instance_id=work.plan.grant_id,
                reuse_id_policy=OrchestrationIdReusePolicy(
                    replaceableStatus=[status.value for status in _OVER]
                ),
            )


def telling(engine: Engine) -> Callable[[Plan, EndOrder], Awaitable[None]]:
    """How the sweep tells a workflow to end: Missing where none runs, and none is started."""

    async def tell(plan: Plan, order: EndOrder) -> None:
        await engine.tell(plan, END_EVENT, order)

    return tell


@contextmanager
def _classified(operation: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
        kind = _BY_CODE.get(code, Unavailable) if code else Unavailable
        raise kind("engine", operation, service_code=code.name if code else "") from error
