"""How an application proves who it is: secret, certificate, or another identity's token."""

import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from simulator.applications import Application, Certificate
from simulator.directory.objects import ServicePrincipal
from simulator.directory.tenant import Tenant
from simulator.keys import peek
from simulator.login import errors
from simulator.login.errors import refuse

if TYPE_CHECKING:
    from simulator.cloud import Cloud

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def client_in_tenant(
    cloud: "Cloud", tenant: Tenant, client_id: str
) -> tuple[Application, ServicePrincipal]:
    """The application and its service principal in the tenant that is asked for a token."""
    application = cloud.applications.get(client_id)
    principal = tenant.principal_of(client_id)
    foreign = application is not None and application.home_tenant != tenant.id
    if application is None or principal is None or (foreign and not application.multi_tenant):
        raise refuse(errors.NOT_IN_TENANT, client_id, tenant.name)
    if not principal.enabled:
        raise refuse(errors.APPLICATION_DISABLED, client_id, application.display_name)
    return application, principal


def authenticate(
    cloud: "Cloud", tenant: Tenant, application: Application, form: dict[str, str]
) -> None:
    """Check the credential of a confidential client; returns only when it is good."""
    if "client_assertion" in form:
        if form.get("client_assertion_type") != JWT_BEARER:
            raise refuse(errors.MALFORMED, "client_assertion_type")
        _check_assertion(cloud, tenant, application, form["client_assertion"])
    elif "client_secret" in form:
        _check_secret(application, form["client_secret"])
    else:
        raise refuse(errors.NO_CREDENTIAL)


def _check_secret(application: Application, value: str) -> None:
    """The value is compared before the date, so that only its owner learns that it lapsed."""
    for secret in application.secrets:
        if hmac.compare_digest(secret.value.encode(), value.encode()):
            if secret.expires is not None and secret.expires <= datetime.now(UTC):
                raise refuse(errors.EXPIRED_SECRET, application.app_id)
            return
    raise refuse(errors.BAD_SECRET, application.app_id)


def _check_assertion(
    cloud: "Cloud", tenant: Tenant, application: Application, assertion: str
) -> None:
    claims = peek(assertion)
    if not claims:
        raise refuse(errors.BAD_ASSERTION)
    if claims.get("iss") == claims.get("sub"):
        _check_certificate_assertion(cloud, tenant, application, assertion, claims)
    else:
        _check_federated_assertion(cloud, application, assertion, claims)


def _check_certificate_assertion(
    cloud: "Cloud",
    tenant: Tenant,
    application: Application,
    assertion: str,
    claims: dict[str, Any],
) -> None:
    if claims.get("iss") != application.app_id:
        raise refuse(errors.ASSERTION_ISSUER)
    certificate = _named_certificate(application, jwt.get_unverified_header(assertion))
    if certificate is None:
        raise refuse(
            errors.ASSERTION_SIGNATURE, "The key was not found by its thumbprint in the app."
        )
    public = certificate.certificate.public_key()
    if not isinstance(public, RSAPublicKey):
        raise refuse(errors.ASSERTION_SIGNATURE, "Only RSA keys are supported.")
    audiences = [
        f"{cloud.url}/{name}/{rest}"
        for name in (tenant.id, tenant.domain, "organizations", "common")
        for rest in ("oauth2/v2.0/token", "v2.0")
    ]
    try:
        jwt.decode(
            assertion,
            public,
            algorithms=["RS256", "PS256"],
            audience=audiences,
            options={"require": ["exp", "aud", "iss", "sub", "jti"]},
        )
    except jwt.InvalidAudienceError as error:
        raise refuse(errors.ASSERTION_AUDIENCE, "") from error
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        raise refuse(errors.ASSERTION_EXPIRED, "") from error
    except jwt.InvalidTokenError as error:
        raise refuse(errors.ASSERTION_SIGNATURE, "The signature does not match.") from error
    now = datetime.now(UTC)
    if certificate.certificate.not_valid_after_utc <= now:
        raise refuse(errors.ASSERTION_SIGNATURE, "The certificate has expired.")


def _named_certificate(application: Application, header: dict[str, Any]) -> Certificate | None:
    """The registered certificate that the header names by thumbprint, padded or not."""
    named = {str(header.get(name, "")).rstrip("=") for name in ("x5t", "x5t#S256")}
    return next(
        (
            certificate
            for certificate in application.certificates
            if named & {certificate.thumbprint, certificate.thumbprint_sha256}
        ),
        None,
    )


def _check_federated_assertion(
    cloud: "Cloud", application: Application, assertion: str, claims: dict[str, Any]
) -> None:
    """The token of a managed identity of the application's own home tenant, and no other."""
    issuer, subject, audience = (str(claims.get(name, "")) for name in ("iss", "sub", "aud"))
    matching = any(
        credential.matches(cloud.url, issuer, subject, audience)
        for credential in application.federated
    )
    if not matching:
        raise refuse(errors.NO_FEDERATED_CREDENTIAL, issuer, subject, audience)
    try:
        trusted = cloud.keys.verify(assertion)
    except jwt.ExpiredSignatureError as error:
        raise refuse(errors.ASSERTION_EXPIRED, "") from error
    except jwt.InvalidTokenError as error:
        raise refuse(errors.ASSERTION_SIGNATURE, "The signature does not match.") from error
    if trusted["tid"] != application.home_tenant:
        raise refuse(errors.FOREIGN_IDENTITY, issuer)
    if "xms_mirid" not in trusted or audience != cloud.environment.federation_audience:
        raise refuse(errors.NO_FEDERATED_CREDENTIAL, issuer, subject, audience)
