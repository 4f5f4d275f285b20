"""What an app registration must ask of its tenants, as `az ad app create` takes it.

    python -m curfew.preflight core accounts passes evidence > permissions.json
    az ad app create … --required-resource-accesses @permissions.json

Without features it is everything that a customer's tenant may need. A permission that is not asked
for cannot be consented to; what the profiles then lack is named by the check.
"""

import argparse
import json
import sys

from curfew.preflight.permissions import IDS, NEEDS, Feature

GRAPH = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph, by the id that it has in every tenant."""


def manifest(features: frozenset[Feature]) -> list[dict[str, object]]:
    """The `requiredResourceAccess` of a registration that is to serve these features."""
    wanted = sorted({need.permission for need in NEEDS if need.feature in features})
    roles = [{"id": IDS[permission], "type": "Role"} for permission in wanted]
    return [{"resourceAppId": GRAPH, "resourceAccess": roles}]


def main() -> None:
    """Print it."""
    # A technician's groups are read in the home tenant only.
    customers = [feature for feature in Feature if feature is not Feature.MEMBERSHIP]
    parser = argparse.ArgumentParser(prog="python -m curfew.preflight", description=__doc__)
    parser.add_argument("features", nargs="*", type=Feature, default=customers, metavar="FEATURE")
    features = frozenset(parser.parse_args().features)
    sys.stdout.write(json.dumps(manifest(features), indent=2) + "\n")


if __name__ == "__main__":
    main()
