"""A tenant's directory through Microsoft Graph: accounts, access, sign-in methods, facts.

The only code that writes to a customer's directory. Every class acts on one tenant.
"""
