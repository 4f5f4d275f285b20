"""The JSON that a durable client binding gets from the Durable extension."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from devhost.functions import Function

_OPERATIONS = {
    "statusQueryGetUri": "",
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate",
    "rewindPostUri": "/rewind",
    "purgeHistoryDeleteUri": "",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend",
    "resumePostUri": "/resume",
}


@dataclass(frozen=True)
class ClientBinding:
    """Points clients at the task hub. The management addresses it names are not served."""

    hub_name: str
    rpc_url: str
    http_url: str

    def inputs(self, function: Function) -> dict[str, Any]:
        """Give the values of all durable client bindings of a function."""
        return {
            binding["name"]: {
                "string": self._value(
                    binding.get("taskHub") or self.hub_name,
                    binding.get("connectionName") or "Storage",
                )
            }
            for binding in function.of_type("durableClient")
        }

    def _value(self, hub: str, connection: str) -> str:
        base = f"{self.http_url}/runtime/webhooks/durabletask"
        query = f"taskHub={quote(hub)}&connection={quote(connection)}"
        return json.dumps(
            {
                "taskHubName": hub,
                "connectionName": connection,
                "creationUrls": {},
                "managementUrls": {
                    "id": "INSTANCEID",
                    **{
                        name: f"{base}/instances/INSTANCEID{path}?{query}"
                        for name, path in _OPERATIONS.items()
                    },
                },
                "baseUrl": base,
                "requiredQueryStringParameters": query,
                "rpcBaseUrl": self.rpc_url,
                "httpBaseUrl": base,
                "useForwardedHost": False,
                "grpcHttpClientTimeout": "00:01:40",
            }
        )
