"""The second line: ends from the ledger alone, and looks for access that no grant explains."""
