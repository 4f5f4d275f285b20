"""How a customer comes aboard: the consent address and its answer, and the role to be given."""
