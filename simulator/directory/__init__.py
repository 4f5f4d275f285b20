"""A tenant's directory as plain, inspectable state: objects, rules, what readers can see.

Nothing here knows HTTP.
"""
