"""The indexed functions, looked up the ways the host needs them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devhost.errors import BadConfiguration

type Binding = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """One indexed function with its bindings as they would stand in function.json."""

    id: str
    name: str
    bindings: tuple[Binding, ...]

    @property
    def trigger(self) -> Binding:
        """The one binding that starts the function."""
        triggers = [binding for binding in self.bindings if binding["type"].endswith("Trigger")]
        if len(triggers) != 1:
            raise BadConfiguration(
                f"The function {self.name} must have exactly one trigger, it has {len(triggers)}"
            )
        return triggers[0]

    def of_type(self, kind: str) -> list[Binding]:
        """The bindings of one type."""
        return [binding for binding in self.bindings if binding["type"] == kind]

    @classmethod
    def read(cls, data: dict[str, Any]) -> "Function":
        """Read what the worker says about a function."""
        bindings = tuple(json.loads(text) for text in data["bindings"])
        return cls(data["id"], data["name"], bindings)


class App:
    """All functions of the app that are not disabled by a setting."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self.functions = {function.name.lower(): function for function in functions}
        self._durable: dict[tuple[str, str], Function] = {}
        for function in functions:
            trigger = function.trigger
            kind = trigger["type"]
            if kind in _DURABLE_NAMES:
                name = trigger.get(_DURABLE_NAMES[kind]) or function.name
                self._durable[kind, name.lower()] = function

    def named(self, name: str) -> Function | None:
        """The function of that name, whatever its trigger; names ignore case, as in Azure."""
        return self.functions.get(name.lower())

    def durable(self, kind: str, name: str) -> Function | None:
        """The orchestrator, activity or entity of that name."""
        return self._durable.get((kind, name.lower()))

    def with_trigger(self, kind: str) -> list[Function]:
        """The functions that one kind of trigger starts."""
        return [f for f in self.functions.values() if f.trigger["type"] == kind]


_DURABLE_NAMES = {
    "orchestrationTrigger": "orchestration",
    "activityTrigger": "activity",
    "entityTrigger": "entityName",
}
