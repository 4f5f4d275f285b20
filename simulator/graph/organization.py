"""What describes the tenant: organization, domains, licences, the policy for access passes."""

from typing import Any

from simulator.directory.objects import Domain
from simulator.graph.call import GraphCall, Route
from simulator.graph.errors import bad_request, not_found
from simulator.graph.odata import SELECT, Options, collection, entity
from simulator.wire import Response

_ORGANIZATION = (
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_DOMAINS = (
    "Domain.Read.All",
    "Domain.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
_LICENCES = ("LicenseAssignment.Read.All", *_ORGANIZATION)
_POLICY = (
    "Policy.Read.AuthenticationMethod",
    "Policy.ReadWrite.AuthenticationMethod",
    "Policy.Read.All",
)
_SKUS = {
    "P1": (
        "078d2b04-f1bd-4111-bbd4-b4b1b354cef4",
        "AAD_PREMIUM",
        (("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM"),),
    ),
    "P2": (
        "84a661c4-e949-4bd2-a560-ed7766fcaf2b",
        "AAD_PREMIUM_P2",
        (
            ("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM"),
            ("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2"),
        ),
    ),
}


def list_organizations(call: GraphCall) -> Response:
    """The tenant itself."""
    documents = [_organization(call)]
    return collection(call.cloud.url, call.request, call.query, "organization", documents)


def get_organization(call: GraphCall) -> Response:
    """The tenant itself, by its id."""
    if call.parameters["organization"].lower() != call.tenant.id:
        raise not_found(call.parameters["organization"])
    return entity(call.cloud.url, call.query, "organization", _organization(call))


def list_domains(call: GraphCall) -> Response:
    """The domains."""
    documents = [_domain(domain) for domain in call.tenant.domains.values()]
    return collection(call.cloud.url, call.request, call.query, "domains", documents)


def get_domain(call: GraphCall) -> Response:
    """One domain by its name."""
    domain = call.tenant.domains.get(call.parameters["domain"].lower())
    if domain is None:
        raise not_found(call.parameters["domain"])
    return entity(call.cloud.url, call.query, "domains", _domain(domain))


def list_skus(call: GraphCall) -> Response:
    """The licences that were bought."""
    documents = [_sku(call, licence) for licence in sorted(call.tenant.licences & set(_SKUS))]
    return collection(call.cloud.url, call.request, call.query, "subscribedSkus", documents)


def get_access_pass_policy(call: GraphCall) -> Response:
    """The policy for temporary access passes."""
    if not call.cloud.environment.temporary_access_pass:
        raise bad_request("Temporary Access Pass is not available in this cloud.")
    policy = call.tenant.access_pass_policy
    document = {
        "@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration",
        "id": "TemporaryAccessPass",
        "state": "enabled" if policy.enabled else "disabled",
        "defaultLifetimeInMinutes": policy.default_minutes,
        "defaultLength": policy.length,
        "minimumLifetimeInMinutes": policy.minimum_minutes,
        "maximumLifetimeInMinutes": policy.maximum_minutes,
        "isUsableOnce": policy.usable_once,
        "excludeTargets": [{"targetType": "group", "id": group} for group in policy.excluded],
        "includeTargets": [
            {"targetType": "group", "id": target, "isRegistrationRequired": False}
            for target in policy.targets
        ],
    }
    return entity(call.cloud.url, call.query, "authenticationMethodConfigurations", document)


def _organization(call: GraphCall) -> dict[str, Any]:
    tenant = call.tenant
    return {
        "id": tenant.id,
        "deletedDateTime": None,
        "displayName": tenant.name,
        "tenantType": "AAD",
        "countryLetterCode": "DE",
        "businessPhones": [],
        "technicalNotificationMails": [f"it@{tenant.domain}"],
        "onPremisesSyncEnabled": any(user.synced for user in tenant.users.values()) or None,
        "assignedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": domain.default,
                "isInitial": domain.initial,
                "name": domain.name,
                "type": domain.authentication_type,
            }
            for domain in tenant.domains.values()
            if domain.verified
        ],
    }


def _domain(domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.name,
        "authenticationType": domain.authentication_type,
        "availabilityStatus": None,
        "isAdminManaged": True,
        "isDefault": domain.default,
        "isInitial": domain.initial,
        "isRoot": True,
        "isVerified": domain.verified,
        "passwordNotificationWindowInDays": None,
        "passwordValidityPeriodInDays": None,
        "state": None,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"] if domain.verified else [],
    }


def _sku(call: GraphCall, licence: str) -> dict[str, Any]:
    sku_id, name, plans = _SKUS[licence]
    return {
        "id": f"{call.tenant.id}_{sku_id}",
        "accountId": call.tenant.id,
        "accountName": call.tenant.name,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "consumedUnits": len(call.tenant.users),
        "prepaidUnits": {"enabled": 100, "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": [
            {
                "appliesTo": "User",
                "provisioningStatus": "Success",
                "servicePlanId": plan_id,
                "servicePlanName": plan_name,
            }
            for plan_id, plan_name in plans
        ],
        "skuId": sku_id,
        "skuPartNumber": name,
        "subscriptionIds": [],
    }


_ACCESS_POLICY = (
    "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass"
)
_LIST = Options(frozenset({"$select", "$top", "$skiptoken"}))
ROUTES = (
    Route("GET", "organization", list_organizations, _ORGANIZATION, _LIST),
    Route("GET", "organization/{organization}", get_organization, _ORGANIZATION, SELECT),
    Route("GET", "domains", list_domains, _DOMAINS, _LIST),
    Route("GET", "domains/{domain}", get_domain, _DOMAINS, SELECT),
    Route("GET", "subscribedSkus", list_skus, _LICENCES, SELECT),
    Route("GET", _ACCESS_POLICY, get_access_pass_policy, _POLICY, area="authentication"),
)
