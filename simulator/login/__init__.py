"""The token service: discovery, applications proving who they are, people signing in."""
