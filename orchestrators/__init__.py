"""Durable workflow code: deterministic, without I/O and without a clock of its own.

A replay abandons the generator wherever it stands, so nothing here may rely on `finally`.
"""
