"""The stack with a trace, to count the requests to our own tables by the spans of the client."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devhost.stack import UNHURRIED, Stack


@dataclass
class Trace:
    """The calls of the app since the last look."""

    stack: Stack
    spans_file: Path
    _seen: int = 0
    _mark: int = 0

    def tables(self) -> Counter[str]:
        """Requests to the tables: method and table."""
        lines = self.spans_file.read_text(encoding="utf-8").splitlines()
        fresh, self._seen = lines[self._seen :], len(lines)
        url = self.stack.azurite.url
        return Counter(found for line in fresh if (found := table_request(json.loads(line), url)))

    def others(self) -> Counter[str]:
        """Calls to the pretend cloud, by service: Graph, vault, sign-in."""
        calls = self.stack.cloud.calls.where(after=self._mark)
        self._mark = self.stack.cloud.calls.next_sequence()
        return Counter(call.service for call in calls)


def table_request(span: dict[str, Any], url: str) -> str | None:
    """What a span asked of the tables at an address; None if it asked somebody else."""
    address = str(span["attributes"].get("url.full", ""))
    if span["kind"] != "SpanKind.CLIENT" or not address.startswith(f"{url}/"):
        return None
    table = address.removeprefix(f"{url}/").partition("(")[0].partition("?")[0]
    return f"{span['name']} {table}"


@contextmanager
def traced(**settings: Any) -> Iterator[Trace]:
    """The stack, with a worker that appends every span to a file."""
    with TemporaryDirectory(prefix="curfew-spans-") as folder:
        spans = Path(folder) / "spans.jsonl"
        with Stack(
            configure=lambda host: replace(host, spans_file=spans), settings=UNHURRIED, **settings
        ) as stack:
            yield Trace(stack, spans)
