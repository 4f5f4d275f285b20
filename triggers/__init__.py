"""The ways in: the HTTP API, one blueprint per resource. Who asks, what, and may they?

Importing this package reads the settings: an app whose settings are broken does not start.
"""

from curfew.services import current

current()
