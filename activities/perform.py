"""How every activity runs: unpack the message, take a turn, call the library, pack the outcome.

No exception leaves an activity: its text would be stored in the durable history, and a library
may quote what it was given (rule 7). What went wrong crosses as codes; the chain of causes is
logged here, where it is last known.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from curfew.entra.pace import Purpose
from curfew.errors import CurfewError
from curfew.events import Event, emit, report
from curfew.model.base import Model
from curfew.model.messages import Failure, Outcome
from curfew.services import Services, current

# The Functions worker refuses parameterised generics in signatures.
if TYPE_CHECKING:
    type Message = dict[str, Any]
else:
    Message = dict


async def perform[M: Model](
    step: Callable[[Services, M], Awaitable[Model | None]],
    kind: type[M],
    message: Message,
    purpose: Purpose | None = Purpose.GIVING,
) -> Message:
    """Run one step of the library on a message and answer its outcome as JSON.

    Args:
        step: The step.
        kind: What it takes.
        message: That, as JSON.
        purpose: What it wants in the tenant's directory; None when it has no business there, so
            that it needs no turn.
    """
    name = step.__name__
    plan = message.get("plan", message)
    about = {"step": name, "grant": plan.get("grantId"), "tenant": plan.get("tenantId")}
    try:
        services, work = current(), kind.read(message)
        with _turn(services, name, about["tenant"], purpose):
            value = await step(services, work)
    except CurfewError as error:
        report(Event.STEP_FAILED, error, **about)
        return Outcome(failure=Failure.of(error)).to_json()
    except Exception as error:  # noqa: BLE001 - reported with its trace, answered as a code
        report(Event.STEP_FAILED, error, **about)
        return Outcome(failure=Failure.lost(f"The step {name} failed unexpectedly.")).to_json()
    emit(Event.STEP_DONE, **about)
    return Outcome(value=value.to_json() if value else None).to_json()


def _turn(
    services: Services, step: str, tenant_id: str | None, purpose: Purpose | None
) -> AbstractContextManager[None]:
    if purpose is None or tenant_id is None:
        return nullcontext()
    return services.pace(tenant_id).turn(step, purpose)
