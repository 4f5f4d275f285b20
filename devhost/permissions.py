"""Prints docs/permissions.md: `python -m devhost.permissions > docs/permissions.md`."""

import os
import sys

_SETTINGS = {
    "CURFEW_HOME_TENANT": "00000000-0000-4000-a000-000000000001",
    "CURFEW_APP_ID": "00000000-0000-4000-a000-000000000002",
    "CURFEW_MANAGED_IDENTITY_ID": "00000000-0000-4000-a000-000000000003",
    "CURFEW_VAULT_URL": "https://vault.example",
    "CURFEW_TABLES_URL": "https://tables.example",
}


def main() -> None:
    """Print the page. The app's rooms cannot be imported without settings: any will do."""
    os.environ.update(_SETTINGS)
    from triggers.operations import OPERATIONS
    from triggers.permissions import page

    sys.stdout.write(page(OPERATIONS.values()))


if __name__ == "__main__":
    main()
