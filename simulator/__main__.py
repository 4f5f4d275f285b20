"""The pretend cloud as a program: `python -m simulator`."""

import argparse
import shutil
import signal
import sys
import threading
from pathlib import Path

from simulator.cloud import Cloud
from simulator.environment import ENVIRONMENTS
from simulator.scenario import demo
from simulator.server import PortInUseError, Server


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Returns the exit code: 1 when the port is taken."""
    options = _parser().parse_args(arguments)
    cloud = Cloud(ENVIRONMENTS[options.environment])
    if options.scenario == "demo":
        demo(cloud)
    if options.log is not None:
        cloud.calls.open_log(options.log)
    server = Server(cloud, port=options.port)
    try:
        server.start()
    except PortInUseError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    authority = server.ca_file
    if options.ca is not None:
        authority = Path(shutil.copyfile(server.ca_file, options.ca))
    print(f"simulator: {server.url}", flush=True)
    print(f"authority: {authority}", flush=True)
    stopped.wait()
    server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8443, help="0 takes any free port")
    parser.add_argument("--ca", type=Path, help="write the certificate authority to this file")
    parser.add_argument("--log", type=Path, help="append every call to this file, one JSON a line")
    parser.add_argument("--scenario", choices=("demo", "empty"), default="demo")
    parser.add_argument("--environment", choices=sorted(ENVIRONMENTS), default="AzureCloud")
    return parser


if __name__ == "__main__":
    sys.exit(main())
