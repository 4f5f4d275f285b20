"""The worker process: indexes a function app and runs its functions, with Microsoft's library.

Started by the host as `python -m devhost.worker READ WRITE`, the numbers of two inherited pipe
ends. The first frame it reads says which app; then every frame is an invocation.
"""

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime

from devhost import frames, rpc, telemetry


def main() -> None:
    """Run until the host closes its end of the pipe."""
    read, write = int(sys.argv[1]), int(sys.argv[2])
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(_serve(read, frames.BlockingWriter(write)))
    # Threads of the app may hang for ever; the host that cared about them is gone.
    os._exit(0)


async def _serve(read: int, writer: frames.BlockingWriter) -> None:
    reader, _transport = await frames.reader_of(read)
    start = await frames.read(reader)
    if start is None:
        return
    _enter(start, writer)
    writer.write(await _index(start))
    running: set[asyncio.Task[None]] = set()
    while (frame := await frames.read(reader)) is not None:
        task = asyncio.create_task(_run(frame, writer))
        running.add(task)
        task.add_done_callback(running.discard)


def _enter(start: frames.Frame, writer: frames.BlockingWriter) -> None:
    """Make this process look like the real worker: path, directory, logging, thread pool."""
    directory = start["app_directory"]
    sys.path[0] = directory
    os.chdir(directory)
    root = logging.getLogger()
    root.addHandler(telemetry.FrameHandler(writer))
    root.setLevel(start["log_level"])
    logging.captureWarnings(capture=True)
    if start["spans_file"] is not None:
        telemetry.record_spans(Path(start["spans_file"]))
    runtime.start_threadpool_executor()


async def _index(start: frames.Frame) -> frames.Frame:
    """Import the app and check every binding, exactly as the real worker does."""
    request = SimpleNamespace(
        request=SimpleNamespace(
            worker_init_request=SimpleNamespace(
                capabilities={}, function_app_directory=start["app_directory"]
            )
        ),
        properties={"host": start["host"], "protos": rpc},
    )
    response: rpc.WorkerInitResponse = await runtime.worker_init_request(request)
    if response.result.status != rpc.StatusResult.Success:
        failure = response.result.exception
        return {
            "type": "refused",
            "message": failure.message if failure else "The worker gave no reason.",
            "stack": failure.stack_trace if failure else "",
        }
    if "HttpUri" in response.capabilities:
        return {
            "type": "refused",
            "message": "HTTP streaming (the FastAPI extension) is not played here.",
            "stack": "",
        }
    metadata: rpc.FunctionMetadataResponse = await runtime.functions_metadata_request(request)
    return {
        "type": "ready",
        "functions": [
            {
                "id": function.function_id,
                "name": function.name,
                "bindings": function.raw_bindings,
                "retries": function.retry_options is not None,
            }
            for function in metadata.function_metadata_results or ()
        ],
    }


async def _run(frame: frames.Frame, writer: frames.BlockingWriter) -> None:
    runtime.invocation_id_cv.set(frame["id"])
    response: rpc.InvocationResponse = await runtime.invocation_request(_invocation(frame))
    writer.write({"type": "result", "id": frame["id"], "result": response.to_json()})


def _invocation(frame: frames.Frame) -> Any:
    return SimpleNamespace(
        request=SimpleNamespace(
            invocation_request=SimpleNamespace(
                invocation_id=frame["id"],
                function_id=frame["function"],
                input_data=[
                    rpc.ParameterBinding(name, rpc.TypedData.from_json(data))
                    for name, data in frame["inputs"].items()
                ],
                trigger_metadata={
                    name: rpc.TypedData.from_json(data) for name, data in frame["metadata"].items()
                },
                trace_context=SimpleNamespace(
                    trace_parent=frame["trace_parent"], trace_state="", attributes={}
                ),
                retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
            )
        )
    )


if __name__ == "__main__":
    main()
