"""Ready-made worlds: a home tenant with its people, and customers."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from simulator.applications import AUTHORITY, Application, Certificate, FederatedCredential, Secret
from simulator.cloud import Cloud
from simulator.directory.objects import ManagedIdentity, User
from simulator.directory.policies import AccessPassPolicy
from simulator.directory.roles import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR
from simulator.directory.tenant import Tenant

APP_ROLES = ("Technician", "Approver", "Administrator", "Auditor", "Integration")
PEOPLE_PASSWORD = "Northwind-Demo-4711"  # noqa: S105  the pretend people's, shown on the front page

# Everything Curfew may need in a customer tenant.
CONSENT = frozenset(
    {
        "User.ReadWrite.All",
        "User.Read.All",
        "User.EnableDisableAccount.All",
        "User-PasswordProfile.ReadWrite.All",
        "User.RevokeSessions.All",
        "User.DeleteRestore.All",
        "RoleManagement.ReadWrite.Directory",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "GroupMember.ReadWrite.All",
        "UserAuthMethod-TAP.ReadWrite.All",
        "UserAuthenticationMethod.ReadWrite.All",
        "Policy.Read.AuthenticationMethod",
        "Organization.Read.All",
        "Domain.Read.All",
        "Application.Read.All",
        "AuditLog.Read.All",
    }
)

# What Curfew reads of its own people: who is enabled, who is in which group.
HOME_CONSENT = frozenset({"User.Read.All", "GroupMember.Read.All", "Application.Read.All"})

HOME_ID = "00000000-0000-4000-a000-000000000001"
CONTOSO_ID = "c0000000-0000-4000-a000-000000000001"
FABRIKAM_ID = "f0000000-0000-4000-a000-000000000001"
CURFEW_APP_ID = "cccccccc-0000-4000-a000-000000000001"
API_APP_ID = "aaaaaaaa-0000-4000-a000-000000000001"
HALO_APP_ID = "bbbbbbbb-0000-4000-a000-000000000001"
IDENTITY_CLIENT_ID = "dddddddd-0000-4000-a000-000000000001"
IDENTITY_PRINCIPAL_ID = "dddddddd-0000-4000-a000-000000000002"
_PEOPLE = (
    ("ann", "Ann Technician", "Technician"),
    ("ben", "Ben Technician", "Technician"),
    ("petra", "Petra Approver", "Approver"),
    ("ada", "Ada Administrator", "Administrator"),
    ("otto", "Otto Auditor", "Auditor"),
)


@dataclass(frozen=True)
class CertificatePair:
    """A certificate with its private key, both as PEM."""

    certificate: bytes
    private_key: bytes

    @property
    def together(self) -> bytes:
        """Key and certificate in one file, as `CertificateCredential` takes them."""
        return self.private_key + self.certificate


@dataclass(frozen=True)
class Demo:
    """Everything a caller needs to know about the demo world."""

    home: Tenant
    contoso: Tenant
    fabrikam: Tenant
    curfew: Application
    api: Application
    halo: Application
    identity: ManagedIdentity
    people: dict[str, User]
    audience: str
    password: str
    curfew_secret: str
    halo_secret: str
    certificate: CertificatePair = field(repr=False)


def demo(
    cloud: Cloud,
    *,
    audience: str = "api://curfew",
    permissions: frozenset[str] = CONSENT,
    role: str | None = PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
    certificate: CertificatePair | None = None,
) -> Demo:
    """Build the demo world.

    A home tenant, Northwind MSP, and two healthy customers: Contoso (P1) and Fabrikam (P2),
    which consented to `permissions` and gave Curfew's service principal the directory `role`.
    """
    with cloud.lock:
        home = cloud.add_tenant(
            "Northwind MSP",
            "northwindmsp.onmicrosoft.com",
            tenant_id=HOME_ID,
            is_home=True,
            licences={"P2"},
        )
        pair = certificate or make_certificate("curfew")
        api = cloud.add_application(
            "Curfew API",
            home,
            app_id=API_APP_ID,
            identifier_uris=[audience],
            app_roles=list(APP_ROLES),
            group_claims=True,
        )
        curfew = cloud.add_application(
            "Curfew",
            home,
            app_id=CURFEW_APP_ID,
            multi_tenant=True,
            secrets=[Secret("curfew-client-secret-for-the-demo")],
            certificates=[Certificate(pair.certificate)],
            permissions=permissions,
        )
        home.consent(curfew.app_id, curfew.display_name, set(HOME_CONSENT))
        halo = cloud.add_application(
            "halo", home, app_id=HALO_APP_ID, secrets=[Secret("halo-client-secret-for-the-demo")]
        )
        identity = add_identity(home)
        trust_identity(cloud, curfew, home, identity)
        cloud.vault.officers.add(identity.principal_id)
        people = _add_people(home, api)
        halo_principal = home.principal_of(halo.app_id)
        if halo_principal is not None:
            home.app_roles[halo_principal.id, api.app_id] = {"Integration"}
        contoso = add_customer(
            cloud,
            "Contoso",
            "contoso.onmicrosoft.com",
            curfew,
            tenant_id=CONTOSO_ID,
            permissions=permissions,
            role=role,
        )
        fabrikam = add_customer(
            cloud,
            "Fabrikam",
            "fabrikam.onmicrosoft.com",
            curfew,
            tenant_id=FABRIKAM_ID,
            licences={"P2"},
            permissions=permissions,
            role=role,
        )
        return Demo(
            home=home,
            contoso=contoso,
            fabrikam=fabrikam,
            curfew=curfew,
            api=api,
            halo=halo,
            identity=identity,
            people=people,
            audience=audience,
            password=PEOPLE_PASSWORD,
            curfew_secret=curfew.secrets[0].value,
            halo_secret=halo.secrets[0].value,
            certificate=pair,
        )


def add_customer(
    cloud: Cloud,
    name: str,
    domain: str,
    application: Application | None,
    *,
    tenant_id: str | None = None,
    licences: set[str] | None = None,
    permissions: frozenset[str] = CONSENT,
    role: str | None = PRIVILEGED_AUTHENTICATION_ADMINISTRATOR,
) -> Tenant:
    """A customer tenant that let the application in, unless that is None.

    It has an administrator, a clerk, a synced account, a break-glass account and three groups,
    and a policy for access passes from 10 minutes to 8 hours.
    """
    tenant = cloud.add_tenant(
        name,
        domain,
        tenant_id=tenant_id,
        licences={"P1"} if licences is None else licences,
        access_pass_policy=AccessPassPolicy(minimum_minutes=10, maximum_minutes=480),
    )
    tenant.add_user("admin", f"{name} Administrator", roles=("Global Administrator",))
    tenant.add_user("breakglass", "Break Glass", roles=("Global Administrator",))
    clerk = tenant.add_user("clerk", "Carla Clerk", jobTitle="Accountant")
    tenant.add_user("synced", "Sven Synced", synced=True)
    tenant.add_group("All staff", members=(clerk.id,))
    tenant.add_group("Conditional Access exclusion")
    tenant.add_group("Tier 0 administrators", role_assignable=True)
    if application is not None:
        roles = () if role is None else (role,)
        tenant.consent(application.app_id, application.display_name, set(permissions), roles=roles)
    return tenant


def add_identity(
    home: Tenant,
    *,
    client_id: str = IDENTITY_CLIENT_ID,
    principal_id: str = IDENTITY_PRINCIPAL_ID,
    name: str = "curfew-identity",
) -> ManagedIdentity:
    """A user-assigned managed identity of the home tenant."""
    identity = ManagedIdentity(client_id, principal_id, name)
    home.managed_identities[client_id] = identity
    return identity


def trust_identity(
    cloud: Cloud, application: Application, home: Tenant, identity: ManagedIdentity
) -> FederatedCredential:
    """Let a managed identity speak for an application."""
    credential = FederatedCredential(
        issuer=f"{AUTHORITY}/{home.id}/v2.0",
        subject=identity.principal_id,
        audience=cloud.environment.federation_audience,
    )
    application.federated.append(credential)
    return credential


def make_certificate(name: str, *, days: int = 365) -> CertificatePair:
    """A self-signed certificate, valid from yesterday."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=max(1, 2 - days)))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return CertificatePair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _add_people(home: Tenant, api: Application) -> dict[str, User]:
    people = {}
    for alias, display_name, role in _PEOPLE:
        people[alias] = home.add_user(alias, display_name, password=PEOPLE_PASSWORD)
        home.app_roles[people[alias].id, api.app_id] = {role}
    return people
