"""`python -m curfew.onboard`: brings a customer aboard, step by step, over the API."""
