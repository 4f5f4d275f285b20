"""The nouns: tenants and profiles, grants and leases, and the messages between workflow steps.

Frozen pydantic models without I/O. Whatever crosses a boundary is one of these.
"""
