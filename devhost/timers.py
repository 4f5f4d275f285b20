"""Runs timer-triggered functions when they are due, and on demand."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from devhost.errors import FunctionFailed, InvocationTimedOut, WorkerLost
from devhost.functions import App, Function
from devhost.runner import Runner
from devhost.schedules import Schedule, resolve


@dataclass
class _Timer:
    function: Function
    schedule: Schedule
    last: datetime | None = None
    following: datetime | None = None

    def payload(self, *, past_due: bool) -> dict[str, Any]:
        status = None
        if self.last is not None and self.following is not None:
            status = {
                "Last": self.last.isoformat(),
                "Next": self.following.isoformat(),
                "LastUpdated": self.last.isoformat(),
            }
        value = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status,
            "IsPastDue": past_due,
        }
        return {"json": json.dumps(value)}


class Timers:
    """One task per timer: a run that is still going on is never overtaken by the next."""

    def __init__(self, runner: Runner, settings: Mapping[str, str]) -> None:
        self._runner = runner
        self._settings = settings
        self._timers: dict[str, _Timer] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def read(self, app: App) -> None:
        """Read the schedules of the app; BadConfiguration names what is wrong."""
        for function in app.with_trigger("timerTrigger"):
            text = resolve(str(function.trigger["schedule"]), self._settings, function.name)
            schedule = Schedule.read(text, function.name)
            self._timers.setdefault(function.name.lower(), _Timer(function, schedule))

    def start(self) -> None:
        """Begin to fire."""
        self._tasks = [asyncio.create_task(self._keep(timer)) for timer in self._timers.values()]

    async def close(self) -> None:
        """Fire no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run(self, function: Function) -> None:
        """Run a timer now; FunctionFailed when the function fails."""
        await self._fire(self._timers[function.name.lower()], past_due=False)

    async def _keep(self, timer: _Timer) -> None:
        if timer.function.trigger.get("runOnStartup") is True:
            await self._fire_and_log(timer, past_due=False)
        while True:
            timer.following = timer.schedule.after(timer.last or datetime.now(UTC))
            wait = (timer.following - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(wait, 0))
            await self._fire_and_log(timer, past_due=wait < 0)

    async def _fire_and_log(self, timer: _Timer, *, past_due: bool) -> None:
        timer.last = datetime.now(UTC)
        try:
            await self._fire(timer, past_due=past_due)
        except (FunctionFailed, WorkerLost, InvocationTimedOut) as failure:
            self._runner.log.failed(timer.function.name, failure)

    async def _fire(self, timer: _Timer, *, past_due: bool) -> None:
        name = timer.function.name
        self._runner.log.host("DEBUG", f"Timer {name} fires", event="timer", function=name)
        await self._runner.run(timer.function, timer.payload(past_due=past_due))
