"""The ledger in Table Storage: settings, accounts, leases (live) and history (over)."""

from curfew.ledger.accounts import AccountRecord, Accounts
from curfew.ledger.leases import Leases
from curfew.ledger.tables import Tables
from curfew.ledger.tenants import TenantStore

__all__ = ["AccountRecord", "Accounts", "Leases", "Tables", "TenantStore"]
