"""What holds for every test: examples are judged by what they show, never by how long they took."""

from hypothesis import settings

settings.register_profile("curfew", deadline=None, print_blob=True)
settings.load_profile("curfew")
