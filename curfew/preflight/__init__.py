"""The preflight: what a tenant still lacks, said before a technician finds out at night.

It reads facts, each of which may fail by itself, judges them without asking anybody, and writes
nothing to any directory.
"""
