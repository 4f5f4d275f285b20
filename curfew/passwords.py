"""Passwords for machine-kept accounts: long, random, typeable, and never seen by accident."""

import secrets

from pydantic import SecretStr

LENGTH = 32

# No look-alikes (0 O o, 1 I l |, 5 S, 2 Z, 8 B) and no symbol that a shell, a URL, a CSV file or
# a German keyboard turns into something else. All are in Entra's permitted set (8 to 256
# characters, three of the four classes:
# https://learn.microsoft.com/entra/identity/authentication/concept-password-ban-bad-combined-policy).
LOWER = "abcdefghijkmnpqrstuvwxyz"
UPPER = "ACDEFGHJKLMNPQRTUVWXY"
DIGITS = "34679"
SYMBOLS = "!#%*+-=?_@"
CLASSES = (LOWER, UPPER, DIGITS, SYMBOLS)


def generate() -> SecretStr:
    """A new password of 32 characters with at least one of each class, about 188 bits.

    The value is a `SecretStr`: printing, formatting or logging it by mistake shows asterisks.
    """
    alphabet = "".join(CLASSES)
    chosen = [secrets.choice(characters) for characters in CLASSES]
    chosen += [secrets.choice(alphabet) for _ in range(LENGTH - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return SecretStr("".join(chosen))
