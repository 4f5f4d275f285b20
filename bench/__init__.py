"""Benchmarks: each measures Curfew against a floor that is measured in the same run.

A ratio to a floor says the same on a fast machine and on a slow one. Run them with `make bench`.
"""
