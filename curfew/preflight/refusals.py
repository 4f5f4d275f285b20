"""What it means when a tenant gives no token: Microsoft's codes, in one table.

By code and never by text (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
A code that is not here is told as it is.
"""

from dataclasses import dataclass

from curfew.credentials import UNUSABLE_SECRET
from curfew.errors import CurfewError, Denied, Missing, ServiceError


@dataclass(frozen=True, slots=True)
class Refusal:
    """A finding's code, what is so, and how to mend it."""

    code: str
    title: str
    fix: str


_NOT_IN_TENANT = Refusal(
    "token.not-consented",
    "The tenant does not know Curfew's application: nobody has consented to it.",
    "Let a Global Administrator of the tenant open the consent address and accept. Where the "
    "connection names an application of the customer's own, compare its clientId; Curfew's own "
    "must be registered for accounts in any organizational directory.",
)
_UNKNOWN_TENANT = Refusal(
    "token.unknown-tenant",
    "There is no tenant with this id in this cloud.",
    "Compare the tenant id with Overview in the customer's Entra admin center, and the cloud with "
    "the one of this deployment.",
)
_DISABLED = Refusal(
    "token.app-disabled",
    "The tenant has switched Curfew's enterprise app off.",
    "Entra admin center, Enterprise applications, Curfew, Properties: set Enabled for users to "
    "sign in to Yes. Ask first who switched it off, and why.",
)
_WRONG_SECRET = Refusal(
    "token.wrong-secret",
    "The client secret in the vault is not one of the application's.",
    "Put a client secret's value (not its id) into the vault under the connection's secretName.",
)
_LAPSED_SECRET = Refusal(
    "token.lapsed-secret",
    "The client secret has lapsed.",
    "Let the customer make a new client secret, put its value into the vault under the "
    "connection's secretName, or connect without any secret: by federation.",
)
_CERTIFICATE = Refusal(
    "token.certificate-refused",
    "The tenant does not accept the certificate: it is not registered, or it has lapsed.",
    "Upload the public half of the certificate in the vault to the application, under "
    "Certificates & secrets. If it has lapsed, make a new one.",
)
_MISPLACED = Refusal(
    "token.federation-misplaced",
    "The federated credential is on an application of the customer's tenant, where it cannot work.",
    "Entra takes the tokens of a managed identity only for an application of that identity's own "
    "tenant. Remove clientId from the connection, so that Curfew's own multi-tenant application "
    "serves, and consent to that one; or connect by a certificate.",
)
_UNTRUSTED = Refusal(
    "token.federation-unknown",
    "Curfew's application does not trust the managed identity of this deployment.",
    "App registrations, Curfew, Certificates & secrets, Federated credentials: issuer, subject "
    "(the identity's object id) and audience must be as in the deployment guide, to the letter.",
)
_CLOCK = Refusal(
    "token.clock",
    "The assertion is not within its time: a clock is wrong, or the certificate has lapsed.",
    "Compare the clock of the machine with the time, and the certificate's dates.",
)
_BLOCKED = Refusal(
    "token.blocked",
    "A Conditional Access policy of the tenant blocks Curfew's application.",
    "Entra admin center, Sign-in logs, Service principal sign-ins: the policy is named there. "
    "Exclude Curfew's application from it.",
)

_BY_CODE = {
    "AADSTS700016": _NOT_IN_TENANT,
    "AADSTS7000229": _NOT_IN_TENANT,
    "AADSTS65001": _NOT_IN_TENANT,
    "AADSTS90002": _UNKNOWN_TENANT,
    "AADSTS900023": _UNKNOWN_TENANT,
    "AADSTS7000112": _DISABLED,
    "AADSTS7000215": _WRONG_SECRET,
    "AADSTS7000222": _LAPSED_SECRET,
    "AADSTS700027": _CERTIFICATE,
    "AADSTS7000214": _CERTIFICATE,
    "AADSTS700236": _MISPLACED,
    "AADSTS700222": _MISPLACED,
    "AADSTS70021": _UNTRUSTED,
    "AADSTS700211": _UNTRUSTED,
    "AADSTS700212": _UNTRUSTED,
    "AADSTS700213": _UNTRUSTED,
    "AADSTS7002137": _UNTRUSTED,
    "AADSTS7002138": _UNTRUSTED,
    "AADSTS700024": _CLOCK,
    "AADSTS53003": _BLOCKED,
}


def refusal_of(error: CurfewError) -> Refusal:
    """What it means that a token, or the secret for it, could not be had."""
    if not isinstance(error, ServiceError):
        return Refusal("token.refused", "No token could be had.", "Look into the app's log.")
    if error.service == "vault" or error.service_code == UNUSABLE_SECRET:
        return _of_the_vault(error)
    if error.service_code in _BY_CODE:
        return _BY_CODE[error.service_code]
    if isinstance(error, Denied):
        said = error.service_code or str(error.status)
        return Refusal(
            "token.refused",
            f"The tenant gives Curfew no token: {said}.",
            f"https://login.microsoftonline.com/error?code={said.removeprefix('AADSTS')} says what "
            "Microsoft means by it.",
        )
    return Refusal(
        "token.unreachable",
        "The sign-in service did not answer.",
        "Check again in a few minutes. If it stays so, look at the outbound network of the app and "
        "at the health of Microsoft's services.",
    )


def _of_the_vault(error: ServiceError) -> Refusal:
    if isinstance(error, Missing):
        return Refusal(
            "token.no-secret",
            "The vault has no secret by the connection's secretName.",
            "Put the certificate or client secret into the vault under that name.",
        )
    if isinstance(error, Denied) and error.service_code == UNUSABLE_SECRET:
        return Refusal(
            "token.unusable-secret",
            "What lies in the vault under the connection's secretName is not what it should be.",
            "A certificate lies there as PEM with its key, or as PKCS#12 in base64; a client "
            "secret as its bare value.",
        )
    if isinstance(error, Denied):
        return Refusal(
            "token.vault-denied",
            "The vault does not let Curfew read the secret: it is disabled, or a role is missing.",
            "Enable the newest version of the secret; give the managed identity the role Key Vault "
            "Secrets Officer.",
        )
    return Refusal(
        "token.vault-unreachable",
        "The vault did not answer.",
        "Check again in a few minutes; then look at the vault's firewall.",
    )
