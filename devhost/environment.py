"""The environment of the worker process."""

import os
from collections.abc import Mapping

from devhost.configuration import Configuration

type Environment = Mapping[str, str]


def of_worker(configuration: Configuration, port: int) -> Environment:
    """Give this process's environment, the host's own words, and the app settings, in that order.

    `{port}` in a setting stands for the host's own port. Only Easy Auth itself says
    WEBSITE_AUTH_ENABLED: the app trusts it, so no setting may.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("WEBSITE_")
    }
    environment |= {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "FUNCTIONS_EXTENSION_VERSION": "~4",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(configuration.app_directory.resolve()),
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        "PYTHONUNBUFFERED": "1",
    }
    if configuration.ca_file is not None:
        ca_file = str(configuration.ca_file.resolve())
        environment |= {"SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}
    for name, value in configuration.settings.items():
        environment[name] = value.replace("{port}", str(port))
    environment.pop("WEBSITE_AUTH_ENABLED", None)
    if configuration.easy_auth is not None:
        environment["WEBSITE_AUTH_ENABLED"] = "True"
    return environment
