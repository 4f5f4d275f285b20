"""`make demo`: one grant from request to verified end, each line of it seen where it happened.

`witness` looks at the directory and the vault from outside Curfew. `giving` and `taking_back` ask
and try as a technician would, on a `scene`. `steps` lists what must be seen, in which order;
`timeline` shows it.
"""
