"""What a durable history costs in Azure Storage, by what Microsoft's provider does.

The provider is `DurableTask.AzureStorage`, with extended sessions off, as they are for Python. Its
behaviour is described in "Azure Storage provider (Azure Functions)"
(learn.microsoft.com/azure/azure-functions/durable/durable-functions-azure-storage-provider) and
read from github.com/Azure/durabletask, src/DurableTask.AzureStorage:
`AzureTableTrackingStore.UpdateStateAsync` (rows of the history in batches of 99 with a sentinel,
then the row of the instance), `AzureStorageOrchestrationService` (queues, order of commits),
`OrchestrationSessionManager` (history read at every turn, look at the instance at its start).

A message is taken from a control queue with up to 31 others; here each is taken alone, so the
count is an upper bound. What an idle task hub costs by polling its queues and renewing its leases
is not a grant's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from durabletask.internal.orchestrator_service_pb2 import HistoryEvent

_ROWS_PER_BATCH = 99


@dataclass(frozen=True)
class History:
    """What is counted of a durable history.

    Attributes:
        turns: How many rows each turn of the orchestrator wrote.
        size: Bytes of all events as the engine serialises them.
    """

    turns: tuple[int, ...]
    activities: int
    timers: int
    events: int
    size: int

    @classmethod
    def of(cls, history: Iterable[HistoryEvent]) -> "History":
        """Count a history."""
        kinds: list[str] = []
        turns: list[int] = []
        size = 0
        for event in history:
            kind = event.WhichOneof("eventType") or ""
            kinds.append(kind)
            size += event.ByteSize()
            if kind == "orchestratorStarted":
                turns.append(0)
            if turns:
                turns[-1] += 1
        return cls(
            turns=tuple(turns),
            activities=kinds.count("taskScheduled"),
            timers=kinds.count("timerCreated"),
            events=kinds.count("eventRaised"),
            size=size,
        )

    @property
    def rows(self) -> int:
        """Rows of the history."""
        return sum(self.turns)


def requests(history: History) -> dict[str, int]:
    """Requests to Azure Storage for an orchestration, from its start to its end, by what they do.

    A batch of rows counts as one request.
    """
    batches = sum(ceil(rows / _ROWS_PER_BATCH) for rows in history.turns)
    messages = 1 + history.activities + history.timers + history.events
    return {
        "start: does the instance exist, its row, look at it at the first turn": 3,
        "control queue: put, take and delete a message (start, results, timers, events)": (
            3 * messages
        ),
        "work item queue: put, take and delete a message (activities)": 3 * history.activities,
        "history table: read it, once a turn": len(history.turns),
        "history table: write rows in batches, once a turn": batches,
        "instances table: write the row, once a turn": len(history.turns),
    }


def rows_written(history: History) -> int:
    """Rows that an orchestration writes, sentinels and rows of the instance included.

    This is what would be paid for if each row of a batch counted as a transaction.
    """
    batches = sum(ceil(rows / _ROWS_PER_BATCH) for rows in history.turns)
    return history.rows + batches + len(history.turns) + 1
