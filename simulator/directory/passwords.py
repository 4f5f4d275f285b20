"""The password rules of Entra ID for cloud accounts."""

import string

_SYMBOLS = "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> "
_ALLOWED = frozenset(string.ascii_letters + string.digits + _SYMBOLS)
BANNED = ("password", "passw0rd", "p@ssw0rd", "welcome", "letmein", "qwerty", "admin123")


class WeakPasswordError(ValueError):
    """The password breaks a rule; the text is what the service tells the caller."""


def check_password(password: object, *, current: str | None, banned: tuple[str, ...]) -> str:
    """The password, if the rules allow it.

    8 to 256 characters of the allowed set, three of the four classes, no banned word in it
    (whatever the case), and not the current one.
    """
    if not isinstance(password, str) or not 8 <= len(password) <= 256:
        raise WeakPasswordError("Invalid password: it must have 8 to 256 characters.")
    if not set(password) <= _ALLOWED:
        raise WeakPasswordError("The specified password contains characters that are not allowed.")
    classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SYMBOLS)
    if sum(any(character in members for character in password) for members in classes) < 3:
        raise WeakPasswordError(
            "The specified password does not comply with password complexity requirements. "
            "Please provide a different password."
        )
    folded = password.lower()
    if any(word.lower() in folded for word in (*BANNED, *banned)):
        raise WeakPasswordError(
            "The specified password contains a banned word. Please provide a different password."
        )
    if password == current:
        raise WeakPasswordError(
            "The specified password was used recently. Please provide a different password."
        )
    return password
