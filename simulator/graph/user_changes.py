"""Changing an account: which permission each property needs, and which values are allowed.

A change is all or nothing: every property is checked before the first is written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.directory.objects import User
from simulator.directory.passwords import WeakPasswordError, check_password
from simulator.directory.views import USER_PLAIN, user_view
from simulator.graph.call import GraphCall
from simulator.graph.errors import bad_request, denied, invalid_property, refuse

_WRITE_ALL = ("User.ReadWrite.All", "Directory.ReadWrite.All")
_SYNC_MESSAGE = (
    "Unable to update the specified properties for on-premises mastered Directory Sync objects "
    "or objects currently undergoing migration."
)
# Mastered in the cloud even for synced accounts.
_CLOUD_MASTERED = {"usageLocation", "passwordPolicies"}


@dataclass(frozen=True)
class _Rule:
    """What a property needs; a sensitive one also needs cover for a privileged target."""

    needs: tuple[str, ...] = _WRITE_ALL
    sensitive: bool = False
    password: bool = False


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(USER_PLAIN, _Rule()),
    "displayName": _Rule(),
    "mailNickname": _Rule(),
    "userType": _Rule(),
    "onPremisesExtensionAttributes": _Rule(),
    "accountEnabled": _Rule(
        ("User.EnableDisableAccount.All+User.Read.All", *_WRITE_ALL), sensitive=True
    ),
    "passwordProfile": _Rule(
        ("User-PasswordProfile.ReadWrite.All",), sensitive=True, password=True
    ),
    "mobilePhone": _Rule(("User-Phone.ReadWrite.All", *_WRITE_ALL), sensitive=True),
    "businessPhones": _Rule(("User-Phone.ReadWrite.All", *_WRITE_ALL), sensitive=True),
    "otherMails": _Rule(("User-Mail.ReadWrite.All", *_WRITE_ALL), sensitive=True),
    "userPrincipalName": _Rule(_WRITE_ALL, sensitive=True),
    "onPremisesImmutableId": _Rule(_WRITE_ALL, sensitive=True),
}


def change_user(call: GraphCall, user: User, changes: dict[str, Any]) -> None:
    """Apply a PATCH.

    One property that is not allowed refuses the whole change with 403; a value that is not
    allowed refuses it with 400.
    """
    changes = {name: value for name, value in changes.items() if not name.startswith("@odata.")}
    if not changes:
        raise bad_request("The request body must contain at least one property to update.")
    for name in changes:
        if name not in _RULES:
            raise bad_request(f"Property '{name}' is read-only or does not exist on User.")
    for name in changes:
        rule = _RULES[name]
        if not call.has(rule.needs):
            raise denied()
        if rule.sensitive:
            call.require_cover(user, password=rule.password)
    if user.synced and set(changes) - _CLOUD_MASTERED:
        raise bad_request(_SYNC_MESSAGE, "Request_BadRequest")
    writes = [_prepare(call, user, name, value) for name, value in changes.items()]
    user.remember(call.tenant.now(), user_view(user))
    for write in writes:
        write()


def new_password(call: GraphCall, profile: Any, current: str | None) -> tuple[str, bool]:
    """The password of a `passwordProfile` that keeps the rules, and whether it must be changed."""
    if not isinstance(profile, dict):
        raise invalid_property(
            "A password must be specified to create a new user.", "InvalidValue", "passwordProfile"
        )
    banned = (*call.tenant.banned_words, call.tenant.name)
    try:
        password = check_password(profile.get("password"), current=current, banned=banned)
    except WeakPasswordError as error:
        raise invalid_property(str(error), "InvalidPassword", "passwordProfile") from error
    forced = profile.get("forceChangePasswordNextSignIn")
    forced_with_mfa = profile.get("forceChangePasswordNextSignInWithMfa")
    return password, bool(forced) or bool(forced_with_mfa)


def set_password(call: GraphCall, user: User, password: str, *, force_change: bool) -> None:
    """Replace the password; every session ends with the old one."""
    user.password = password
    user.force_change = force_change
    user.last_password_change = call.tenant.now().replace(microsecond=0)
    call.cloud.sessions.revoke(call.tenant.id, user.id)


def check_principal_name(call: GraphCall, name: Any, *, own: User | None = None) -> str:
    """A user principal name that is free and in a domain where accounts can be made."""
    target = "userPrincipalName"
    if not isinstance(name, str) or name.count("@") != 1 or not name.partition("@")[0]:
        raise invalid_property("The userPrincipalName is not valid.", "InvalidValue", target)
    domain = call.tenant.domains.get(name.partition("@")[2].lower())
    if domain is None or not domain.verified:
        raise invalid_property(
            "The domain portion of the userPrincipalName property is invalid. You must use one "
            "of the verified domain names in your organization.",
            "InvalidValue",
            target,
        )
    if domain.authentication_type != "Managed":
        raise invalid_property(
            "The specified domain is federated; accounts with a password cannot be made in it.",
            "InvalidValue",
            target,
        )
    holder = call.tenant.find_user(name)
    if holder is not None and holder is not own:
        raise invalid_property(
            "Another object with the same value for property userPrincipalName already exists.",
            "ObjectConflict",
            target,
        )
    return name


def _prepare(call: GraphCall, user: User, name: str, value: Any) -> Callable[[], None]:
    """Check one value and return the write that applies it."""
    match name:
        case "accountEnabled":
            if not isinstance(value, bool):
                raise bad_request("Invalid value specified for property 'accountEnabled'.")
            return lambda: setattr(user, "account_enabled", value)
        case "passwordProfile":
            return _prepare_password(call, user, value)
        case "userPrincipalName":
            checked = check_principal_name(call, value, own=user)
            return lambda: setattr(user, "user_principal_name", checked)
        case "displayName" | "mailNickname" | "userType":
            if not isinstance(value, str) or not 1 <= len(value) <= 256:
                raise bad_request(f"Invalid value specified for property '{name}'.")
            attribute = {"displayName": "display_name", "mailNickname": "mail_nickname"}
            return lambda: setattr(user, attribute.get(name, "user_type"), value)
        case "onPremisesExtensionAttributes":
            if not isinstance(value, dict):
                raise bad_request(f"Invalid value specified for property '{name}'.")
            merged = user.profile.get(name, {}) | value
            return lambda: user.profile.update({name: merged})
        case _:
            return lambda: user.profile.update({name: value})


def _prepare_password(call: GraphCall, user: User, profile: Any) -> Callable[[], None]:
    domain = call.tenant.domains.get(user.user_principal_name.partition("@")[2].lower())
    if domain is not None and domain.authentication_type != "Managed":
        raise refuse(
            400, "Request_BadRequest", "The password of a federated user cannot be changed."
        )
    if isinstance(profile, dict) and "password" not in profile:
        forced = bool(profile.get("forceChangePasswordNextSignIn"))
        return lambda: setattr(user, "force_change", forced)
    password, forced = new_password(call, profile, user.password)
    return lambda: set_password(call, user, password, force_change=forced)
