"""Microsoft Graph v1.0, as far as time-bound administration needs it."""
