"""What the worker process tells: log records to the host, spans to a file."""

import logging
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, override

from devhost import frames

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FrameHandler(logging.Handler):
    """Sends every record to the host, with the `extra` fields of structured events."""

    def __init__(self, writer: frames.BlockingWriter) -> None:
        super().__init__()
        self._writer = writer

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write({"type": "log", "record": _fields(record)})
        except OSError:
            # The host is gone, and with it whoever could read this.
            return
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not hurt the app
            self.handleError(record)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    if record.exc_info and record.exc_info[0] is not None:
        fields["exception"] = "".join(traceback.format_exception(*record.exc_info))
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if extra:
        fields["extra"] = extra
    return fields


def record_spans(path: Path) -> None:
    """Append every span of this process, finished or not yet sampled away, to a JSON-lines file.

    Must run before the function app is imported: a tracer provider can be set only once.
    """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import (
        ConsoleSpanExporter,
        SimpleSpanProcessor,
    )

    os.environ.setdefault("AZURE_TRACING_ENABLED", "true")
    exporter = ConsoleSpanExporter(
        out=path.open("a", encoding="utf-8"),
        formatter=lambda span: span.to_json(indent=None) + "\n",
    )
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
