"""What a failed function looks like to the orchestration that called it.

Follows the Durable extension (its OutOfProcMiddleware): the error type is what stands before the
first `: ` of the worker's text, the message is the first line of what follows.
"""

from datetime import timedelta
from typing import Any

from durabletask.internal import orchestrator_service_pb2 as pb
from google.protobuf import wrappers_pb2


def of_exception(result: dict[str, Any]) -> pb.TaskFailureDetails:
    """Describe an exception that the function raised."""
    kind, colon, message = result["message"].partition(": ")
    if not colon:
        kind, message = "(unknown)", result["message"]
    return details(kind.rstrip(), _first_line(message) or "(no message)", result["stack"])


def of_timeout(function: str, timeout: timedelta) -> pb.TaskFailureDetails:
    """Describe an activity that ran into the function timeout."""
    return details(
        "Microsoft.Azure.WebJobs.Host.FunctionTimeoutException",
        f"Timeout value of {_span(timeout)} was exceeded by function: Functions.{function}",
    )


def of_lost_worker(function: str, reason: str) -> pb.TaskFailureDetails:
    """Describe an activity whose worker process died under it."""
    return details(
        "Microsoft.Azure.WebJobs.Script.Workers.WorkerProcessExitException",
        f"Exception while executing function: Functions.{function}. The worker is gone: {reason}",
    )


def of_unknown(kind: str, name: str) -> pb.TaskFailureDetails:
    """Describe a call of a function that the app does not have."""
    return details(
        "FunctionNotFound",
        f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function.",
    )


def details(kind: str, message: str, stack: str | None = None) -> pb.TaskFailureDetails:
    """Put failure details together."""
    return pb.TaskFailureDetails(
        errorType=kind,
        errorMessage=message,
        stackTrace=wrappers_pb2.StringValue(value=stack) if stack else None,
    )


def failed_orchestration(failure: pb.TaskFailureDetails) -> pb.OrchestratorResponse:
    """Answer for an orchestrator that could not run at all: the instance fails."""
    return pb.OrchestratorResponse(
        actions=[
            pb.OrchestratorAction(
                id=-1,
                completeOrchestration=pb.CompleteOrchestrationAction(
                    orchestrationStatus=pb.ORCHESTRATION_STATUS_FAILED, failureDetails=failure
                ),
            )
        ]
    )


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].rstrip()


def _span(timeout: timedelta) -> str:
    whole = int(timeout.total_seconds())
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
