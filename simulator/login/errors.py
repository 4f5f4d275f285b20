"""Refusals of the token service, with Microsoft's own codes and body."""

from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.directory.objects import new_id
from simulator.wire import RefusalError, Response


@dataclass(frozen=True)
class Reason:
    """One AADSTS code with the OAuth error and status it goes out with."""

    code: int
    error: str
    text: str
    status: int = 400


MALFORMED = Reason(900144, "invalid_request", "The request body must contain '{0}'.")
UNSUPPORTED_GRANT = Reason(
    70003, "unsupported_grant_type", "The app requested an unsupported grant type '{0}'."
)
INVALID_SCOPE = Reason(
    1002012, "invalid_scope", "The provided value for scope {0} is not valid. {1}"
)
UNKNOWN_RESOURCE = Reason(
    500011,
    "invalid_resource",
    "The resource principal named {0} was not found in the tenant named {1}.",
)
UNKNOWN_TENANT = Reason(90002, "invalid_request", "Tenant '{0}' not found.")
NOT_IN_TENANT = Reason(
    700016,
    "unauthorized_client",
    "Application with identifier '{0}' was not found in the directory '{1}'. This can happen if "
    "the application has not been installed by the administrator of the tenant or consented to "
    "by any user in the tenant.",
)
APPLICATION_DISABLED = Reason(
    7000112, "unauthorized_client", "Application '{0}' ({1}) is disabled."
)
NO_CREDENTIAL = Reason(
    7000218,
    "invalid_client",
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    401,
)
BAD_SECRET = Reason(
    7000215,
    "invalid_client",
    "Invalid client secret provided. Ensure the secret being sent in the request is the client "
    "secret value, not the client secret ID, for a secret added to app '{0}'.",
    401,
)
EXPIRED_SECRET = Reason(
    7000222, "invalid_client", "The provided client secret keys for app '{0}' are expired.", 401
)
BAD_ASSERTION = Reason(50027, "invalid_request", "JWT token is invalid or malformed.")
ASSERTION_SIGNATURE = Reason(
    700027,
    "invalid_client",
    "Client assertion failed signature validation. {0}",
    401,
)
ASSERTION_EXPIRED = Reason(
    700024, "invalid_client", "Client assertion is not within its valid time range. {0}", 401
)
ASSERTION_AUDIENCE = Reason(
    700023,
    "invalid_client",
    "Client assertion audience claim does not match Realm issuer. {0}",
    401,
)
ASSERTION_ISSUER = Reason(
    700021,
    "invalid_client",
    "Client assertion application identifier doesn't match 'client_id' parameter.",
    401,
)
NO_FEDERATED_CREDENTIAL = Reason(
    70021,
    "invalid_client",
    "No matching federated identity record found for presented assertion. Assertion Issuer: "
    "'{0}'. Assertion Subject: '{1}'. Assertion Audience: '{2}'.",
    401,
)
FOREIGN_IDENTITY = Reason(
    700236,
    "invalid_client",
    "Entra ID tokens issued by issuer '{0}' may not be used for federated identity credential "
    "flows for applications or managed identities registered in this tenant.",
    401,
)
UNKNOWN_USER = Reason(
    50034,
    "invalid_grant",
    "The user account {0} does not exist in the {1} directory. To sign into this application, "
    "the account must be added to the directory.",
)
BAD_PASSWORD = Reason(
    50126, "invalid_grant", "Error validating credentials due to invalid username or password."
)
USER_DISABLED = Reason(50057, "invalid_grant", "The user account is disabled.")
MUST_CHANGE_PASSWORD = Reason(50055, "invalid_grant", "The password is expired.")
MUST_ENROL = Reason(
    50079,
    "interaction_required",
    "Due to a configuration change made by your administrator, or because you moved to a new "
    "location, you must enroll in multi-factor authentication to access '{0}'.",
)
MUST_USE_MFA = Reason(
    50076,
    "interaction_required",
    "Due to a configuration change made by your administrator, or because you moved to a new "
    "location, you must use multi-factor authentication to access '{0}'.",
)
# The codes for access passes are 130501 to 130508; which one means what is documented for some
# only, so callers should rely on the family.
PASS_NOT_IN_POLICY = Reason(
    130502,
    "invalid_grant",
    "Temporary Access Pass sign in was blocked due to User Credential Policy.",
)
PASS_EXPIRED = Reason(130504, "invalid_grant", "The Temporary Access Pass has expired.")
PASS_USED = Reason(
    130505, "invalid_grant", "The one-time Temporary Access Pass has already been used."
)
PASS_NOT_YET_VALID = Reason(130506, "invalid_grant", "The Temporary Access Pass is not valid yet.")
SESSION_REVOKED = Reason(
    50173,
    "invalid_grant",
    "The provided grant has expired due to it being revoked, a fresh auth token is needed. The "
    "user might have changed or reset their password.",
)
SESSION_EXPIRED = Reason(
    70008, "invalid_grant", "The provided refresh token has expired or was never issued."
)

UNKNOWN_REDIRECT = Reason(
    50011,
    "invalid_request",
    "The redirect URI '{0}' specified in the request does not match the redirect URIs configured "
    "for the application '{1}'. Make sure the redirect URI sent in the request matches one added "
    "to your application in the Azure portal.",
)
CONSENT_DECLINED = Reason(65004, "access_denied", "User declined to consent to access the app.")


def describe(reason: Reason, *details: str, trace: str = "", correlation: str = "") -> str:
    """The description that goes out with a reason."""
    return (
        f"AADSTS{reason.code}: {reason.text.format(*details)} Trace ID: {trace or new_id()} "
        f"Correlation ID: {correlation or new_id()} "
        f"Timestamp: {datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    )


def refuse(reason: Reason, *details: str) -> RefusalError:
    """The refusal to raise for a reason."""
    now = datetime.now(UTC)
    trace, correlation = new_id(), new_id()
    description = describe(reason, *details, trace=trace, correlation=correlation)
    return RefusalError(
        Response(
            reason.status,
            {
                "error": reason.error,
                "error_description": description,
                "error_codes": [reason.code],
                "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"https://login.microsoftonline.com/error?code={reason.code}",
            },
            {"x-ms-request-id": trace},
        )
    )
