"""Curfew's library: what a grant is, and how it is given, taken back and proved over.

It knows nothing of Azure Functions. Modules without I/O decide; adapters (`entra`, `vault`,
`ledger`, `credentials`) each speak to one cloud service; `opening` and `ending` join them.
"""

__version__ = "0.1.0"
