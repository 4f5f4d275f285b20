"""What comes before and with an access: consent, the account or the user, roles, the expiry."""
