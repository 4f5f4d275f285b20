"""What the processes of a measurement cost the machine."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from devhost import DevHost
from devhost.stack import Stack

type Work = dict[str, float]
"""Seconds of processor time, by process."""

_HERE = "here: the host, the engine, the callers"


def work_of(host: DevHost, stack: Stack | None = None) -> Work:
    """The processor time that each process of a measurement has used so far.

    That of other processes is known on Linux only; elsewhere it is left out.
    """
    others: dict[str, int | None] = {"the worker: the app itself": host.worker_pid}
    here = _HERE
    if stack is not None:
        others["the tables (Azurite)"] = stack.azurite.pid
        here = f"{_HERE}, Graph, sign-in and vault (the simulator)"
    return {here: time.process_time(), **_times(others)}


def _times(processes: Mapping[str, int | None]) -> Work:
    found: Work = {}
    for name, pid in processes.items():
        stat = Path(f"/proc/{pid}/stat")
        if stat.is_file():
            # The second field, the command in brackets, may hold blanks.
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            found[name] = ticks / os.sysconf("SC_CLK_TCK")
    return found
