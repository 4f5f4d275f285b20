"""A person signs in, and comes back with a refresh token.

The password grant stands in for the interactive sign-in page: what is typed may be the account's
password or a temporary access pass, and the answer says which it was (`amr`: `pwd`, or `tap` and
`mfa`).
"""

import hmac
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.directory.objects import TemporaryAccessPass, User, new_id
from simulator.directory.tenant import Tenant
from simulator.directory.views import access_pass_state
from simulator.login import errors
from simulator.login.errors import Reason, refuse
from simulator.login.sessions import Session

if TYPE_CHECKING:
    from simulator.cloud import Cloud

AZURE_PORTAL = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
AZURE_POWERSHELL = "1950a258-227b-4e31-a9cf-717495945fc2"
# Microsoft's own clients, which every tenant knows without consent; nobody gets into these
# with a password alone.
FIRST_PARTY = {
    AZURE_PORTAL: "Azure Portal",
    AZURE_CLI: "Microsoft Azure CLI",
    AZURE_POWERSHELL: "Microsoft Azure PowerShell",
}
_PASS_REASONS = {
    "DisabledByPolicy": errors.PASS_NOT_IN_POLICY,
    "NotYetValid": errors.PASS_NOT_YET_VALID,
    "Expired": errors.PASS_EXPIRED,
    "OneTimeUsed": errors.PASS_USED,
}
_MULTI_FACTOR = {"phone", "fido2", "microsoftAuthenticator", "softwareOath"}


def sign_in(
    cloud: "Cloud", tenant: Tenant, *, app_id: str, username: str, typed: str
) -> tuple[User, Session]:
    """Open a session, or refuse with the service's own reason. Both go to the sign-in log.

    As in the real service the credential is judged before the account's state: only who knows
    the password learns that the account is disabled.
    """
    user = tenant.find_user(username)
    if user is None:
        _log(cloud, tenant, None, username, app_id, errors.UNKNOWN_USER)
        raise refuse(errors.UNKNOWN_USER, username, tenant.name)
    used_pass = _is(user.access_pass, typed)
    reason = _judge(tenant, user, app_id, typed, used_pass=used_pass)
    _log(cloud, tenant, user, username, app_id, reason)
    if reason is not None:
        raise refuse(reason, FIRST_PARTY.get(app_id, app_id))
    ends: datetime | None = None
    if used_pass and user.access_pass is not None:
        user.access_pass.used = True
        ends = user.access_pass.end
    methods = ("tap", "mfa") if used_pass else ("pwd",)
    session = Session(tenant.id, user.id, app_id, methods, ends)
    return user, cloud.sessions.open(session)


def resume(
    cloud: "Cloud", tenant: Tenant, *, app_id: str, refresh_token: str
) -> tuple[User, Session]:
    """Go on with a session, unless it was revoked, ran out, or its account may not sign in."""
    session = cloud.sessions.find(refresh_token)
    if session is None or session.tenant != tenant.id or session.app_id != app_id:
        raise refuse(errors.SESSION_EXPIRED)
    user = tenant.users.get(session.user)
    reason: Reason | None = None
    if user is None:
        reason = errors.SESSION_REVOKED
    elif not user.account_enabled:
        reason = errors.USER_DISABLED
    elif session.revoked:
        reason = errors.SESSION_REVOKED
    elif session.ends is not None and session.ends <= tenant.now():
        reason = errors.SESSION_EXPIRED
    name = user.user_principal_name if user is not None else session.user
    _log(cloud, tenant, user, name, app_id, reason, interactive=False)
    if user is None or reason is not None:
        raise refuse(reason or errors.SESSION_REVOKED)
    return user, session


def _judge(
    tenant: Tenant, user: User, app_id: str, typed: str, *, used_pass: bool
) -> Reason | None:
    """Why this sign-in is refused, or None."""
    used_password = user.password is not None and hmac.compare_digest(
        user.password.encode(), typed.encode()
    )
    if not used_pass and not used_password:
        return errors.BAD_PASSWORD
    if not user.account_enabled:
        return errors.USER_DISABLED
    if used_pass:
        return _PASS_REASONS.get(access_pass_state(tenant, user))
    if user.force_change:
        return errors.MUST_CHANGE_PASSWORD
    if app_id in FIRST_PARTY and tenant.knobs.mandatory_mfa:
        kinds = {method.kind for method in user.methods.values()}
        return errors.MUST_USE_MFA if kinds & _MULTI_FACTOR else errors.MUST_ENROL
    return None


def _is(access_pass: TemporaryAccessPass | None, typed: str) -> bool:
    return access_pass is not None and hmac.compare_digest(
        access_pass.value.encode(), typed.encode()
    )


def _log(
    cloud: "Cloud",
    tenant: Tenant,
    user: User | None,
    name: str,
    app_id: str,
    reason: Reason | None,
    *,
    interactive: bool = True,
) -> None:
    application = cloud.applications.get(app_id)
    display = application.display_name if application else FIRST_PARTY.get(app_id, app_id)
    tenant.sign_ins.append(
        {
            "id": new_id(),
            "createdDateTime": f"{tenant.now():%Y-%m-%dT%H:%M:%SZ}",
            "userDisplayName": user.display_name if user else name,
            "userPrincipalName": name.lower(),
            "userId": user.id if user else "00000000-0000-0000-0000-000000000000",
            "appId": app_id,
            "appDisplayName": display,
            "ipAddress": "127.0.0.1",
            "clientAppUsed": "Mobile Apps and Desktop clients",
            "correlationId": new_id(),
            "conditionalAccessStatus": "notApplied",
            "isInteractive": interactive,
            "resourceDisplayName": "Microsoft Graph",
            "status": {
                "errorCode": reason.code if reason else 0,
                "failureReason": reason.text if reason else "Other.",
                "additionalDetails": None,
            },
        }
    )
