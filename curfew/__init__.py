"""Curfew's library: what a grant is, and how it is given, taken back and proved over.

It knows nothing of Azure Functions. Modules without I/O decide; adapters (`entra`, `vault`,
`ledger`, `credentials`) each speak to one cloud service; `opening` and `ending` join them.
"""

import os

# Before pydantic is first imported: looking for its plugins reads every installed distribution's
# metadata, at every cold start, and Curfew uses none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

__version__ = "0.1.0"
