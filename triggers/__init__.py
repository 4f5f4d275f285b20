"""The ways in: the HTTP API, one blueprint per resource.

Importing this package reads the settings: an app whose settings are broken does not start.
"""

from curfew.services import current

current()
