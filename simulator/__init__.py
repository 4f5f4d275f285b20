"""A pretend Microsoft cloud on localhost: token service, managed identity, Graph, Key Vault.

Development code, never deployed. It imports nothing of the product.
"""

from simulator.applications import Application, Certificate, FederatedCredential, Secret
from simulator.cloud import Cloud
from simulator.directory.tenant import Tenant
from simulator.faults import Fault
from simulator.scenario import Demo, demo
from simulator.server import PortInUseError, Server

__all__ = [
    "Application",
    "Certificate",
    "Cloud",
    "Demo",
    "Fault",
    "FederatedCredential",
    "PortInUseError",
    "Secret",
    "Server",
    "Tenant",
    "demo",
]
