"""`python -m devhost`: run a function app until Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from devhost.configuration import Configuration, EasyAuth, read_settings
from devhost.errors import HostError
from devhost.host import DevHost

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Ended(BaseException):
    """A signal asked the program to end; raised in the main thread, wherever that is."""


def main() -> int:
    """Run the host; 0 after Ctrl-C or SIGTERM, 1 with one line of reason when it cannot run."""
    for number in _SIGNALS:
        signal.signal(number, _end)
    try:
        with DevHost(_configuration(_parse())) as host:
            _announce(host)
            host.wait()
    except _Ended:
        return 0
    except HostError as error:
        print(f"devhost: {error}", file=sys.stderr)
        return 1
    return 0


def _end(_signal: int, _frame: FrameType | None) -> None:
    # A second one must not disturb the ending.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise _Ended


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="devhost", description="Run an Azure Functions app on an in-memory task hub."
    )
    parser.add_argument("--app", type=Path, default=Path(), help="the app's directory (here)")
    parser.add_argument("--port", type=int, default=7071, help="the HTTP port (7071)")
    parser.add_argument("--address", default="127.0.0.1", help="the address to bind (loopback)")
    parser.add_argument("--settings", type=Path, help="a local.settings.json")
    parser.add_argument("--log", type=Path, help="append all log records to this file (JSON lines)")
    parser.add_argument("--spans", type=Path, help="append all spans to this file (JSON lines)")
    parser.add_argument("--log-level", help="the worker's log level (that of host.json)")
    parser.add_argument("--ca-file", type=Path, help="a CA that the app is to trust")
    auth = parser.add_argument_group("authentication (on when --authority is given)")
    auth.add_argument("--authority", help="the OpenID issuer of bearer tokens")
    auth.add_argument("--audience", default="api://curfew", help="the audience of bearer tokens")
    auth.add_argument("--home-tenant", default="", help="the tenant id of bearer tokens")
    auth.add_argument("--people", default="", help="an address that lists who can sign in")
    return parser.parse_args()


def _configuration(arguments: argparse.Namespace) -> Configuration:
    easy_auth = None
    if arguments.authority:
        easy_auth = EasyAuth(
            authority=arguments.authority,
            audience=arguments.audience,
            home_tenant=arguments.home_tenant,
            people=arguments.people or tuple,
            ca_file=arguments.ca_file,
        )
    return Configuration(
        app_directory=arguments.app,
        port=arguments.port,
        address=arguments.address,
        settings=read_settings(arguments.settings) if arguments.settings else {},
        easy_auth=easy_auth,
        log_file=arguments.log,
        spans_file=arguments.spans,
        ca_file=arguments.ca_file,
        log_level=arguments.log_level,
        console=True,
    )


def _announce(host: DevHost) -> None:
    print(f"Listening on {host.url}", flush=True)
    print(f"Function key {host.configuration.function_key}", flush=True)
    print(f"Master key   {host.configuration.master_key}", flush=True)
    print(f"{len(host.functions)} functions: {', '.join(sorted(host.functions))}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
