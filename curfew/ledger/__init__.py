"""The ledger in Table Storage: settings, accounts, leases, history, the audit trail, charges."""

from curfew.ledger.accounts import AccountRecord, Accounts
from curfew.ledger.audit import AuditTrail
from curfew.ledger.audit_rows import AuditQuery
from curfew.ledger.checks import Checks
from curfew.ledger.invitations import Invitations
from curfew.ledger.leases import Leases, LiveGrant
from curfew.ledger.rates import Rates
from curfew.ledger.tables import Tables
from curfew.ledger.tenants import TenantStore

__all__ = [
    "AccountRecord",
    "Accounts",
    "AuditQuery",
    "AuditTrail",
    "Checks",
    "Invitations",
    "Leases",
    "LiveGrant",
    "Rates",
    "Tables",
    "TenantStore",
]
