"""Runs one function with its trigger value and its durable clients."""

import secrets
from dataclasses import dataclass
from typing import Any

from devhost.client_binding import ClientBinding
from devhost.errors import FunctionFailed
from devhost.functions import Function
from devhost.logbook import Logbook
from devhost.process import Invocation
from devhost.supervisor import Supervisor


@dataclass(frozen=True)
class Runner:
    """The worker's supervisor with everything that every invocation needs besides."""

    supervisor: Supervisor
    client: ClientBinding
    log: Logbook

    def invocation(
        self, function: Function, value: dict[str, Any], trace_parent: str = ""
    ) -> Invocation:
        """Put an invocation together: the trigger's value, and one client per client binding."""
        return Invocation(
            function.id,
            {function.trigger["name"]: value, **self.client.inputs(function)},
            trace_parent=trace_parent or new_trace(),
        )

    async def run(self, function: Function, value: dict[str, Any]) -> None:
        """Run to the end and drop the result; failures as in `result`."""
        await self.result(self.invocation(function, value))

    async def result(self, invocation: Invocation) -> dict[str, Any]:
        """Give what a function answered; FunctionFailed when it raised.

        WorkerLost and InvocationTimedOut as from the supervisor.
        """
        outcome = await self.supervisor.invoke(invocation)
        if not outcome["ok"]:
            raise FunctionFailed(outcome["message"], outcome["stack"])
        return outcome


def new_trace() -> str:
    """Begin a trace, in W3C's form."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
