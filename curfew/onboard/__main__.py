"""Bring a customer tenant aboard, step by step, in front of the customer.

    python -m curfew.onboard --address https://… --tenant GUID --name "Contoso" --scope api://…/.default

asks for the customer's consent and waits for it, records the tenant and its profiles, prints the
command that gives Curfew its directory role and waits until it holds, and shows what the check
found. It talks to the API as the administrator who is signed in to the Azure CLI, or by a token in
the environment variable CURFEW_TOKEN. It can be stopped and started again at any point.

The exit code is 0 when the tenant is healthy, 1 when the check found errors, 2 when something
could not be done.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from curfew.model.tenants import ConnectionKind
from curfew.onboard.client import Administrator, CouldNot, token_source
from curfew.onboard.flow import Flow, Wanted
from curfew.onboard.showing import Screen

COULD_NOT = 2
_LONGEST_WAIT = 24 * 60


def main(
    arguments: Sequence[str], environment: Mapping[str, str], console: Console | None = None
) -> int:
    """The command; answers its exit code."""
    given = _parser().parse_args(arguments)
    screen = Screen(console or Console(highlight=False))
    try:
        token = token_source(environment, given.scope)
        with Administrator(given.address, token) as administrator:
            wait = timedelta(minutes=given.wait)
            return Flow(administrator, screen, wait).run(_wanted(given))
    except CouldNot as error:
        screen.failed(str(error))
    except KeyboardInterrupt:
        screen.stopped()
    return COULD_NOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m curfew.onboard",
        description="Bring a customer tenant aboard: consent, settings, directory role, check.",
        epilog="Exit code: 0 healthy, 1 the check found errors, 2 something could not be done.",
    )
    parser.add_argument("--address", required=True, help="where Curfew is, https://…")
    parser.add_argument("--tenant", required=True, help="the customer's tenant id")
    parser.add_argument("--name", required=True, help="what the customer is called")
    parser.add_argument("--domain", help="for the accounts; the tenant's initial domain if absent")
    parser.add_argument(
        "--connection",
        choices=[kind.value for kind in ConnectionKind],
        default=ConnectionKind.FEDERATED.value,
        help="how Curfew proves itself there (default: federated, without any secret)",
    )
    parser.add_argument("--client-id", help="the customer's own app registration")
    parser.add_argument("--secret-name", help="of the secret or certificate in Curfew's Key Vault")
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        type=Path,
        metavar="FILE.json",
        help="an access profile, named like the file; may be given several times",
    )
    parser.add_argument(
        "--scope", default="", help="of Curfew's API for the Azure CLI, api://<app id>/.default"
    )
    parser.add_argument(
        "--wait",
        type=_minutes,
        default=30,
        metavar="MINUTES",
        help="how long to wait for the customer, at each step (default: 30)",
    )
    return parser


def _minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= _LONGEST_WAIT:
        message = f"between 0 and {_LONGEST_WAIT} minutes"
        raise argparse.ArgumentTypeError(message)
    return minutes


def _wanted(given: argparse.Namespace) -> Wanted:
    connection = {
        "kind": given.connection,
        **({"clientId": given.client_id} if given.client_id else {}),
        **({"secretName": given.secret_name} if given.secret_name else {}),
    }
    return Wanted(
        tenant=given.tenant.lower(),
        name=given.name,
        domain=given.domain,
        connection=connection,
        profiles=tuple(given.profile),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
