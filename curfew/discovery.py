"""What the sign-in service says of a tenant, to anybody: whether it exists, and in which cloud."""

from contextlib import suppress
from http import HTTPStatus

import httpx

from curfew.azure_errors import kind_of, retry_after_of
from curfew.clouds import Cloud, CloudName, cloud_of
from curfew.errors import Missing, Unavailable

_TIMEOUT = 10.0
_LARGEST = 256 * 1024
_NO_SUCH_TENANT = {"AADSTS90002", "AADSTS900021"}


async def cloud_of_tenant(cloud: Cloud, tenant_id: str) -> CloudName | None:
    """The cloud that a tenant is in, as this cloud's authority says; None if it says nothing known.

    Raises:
        Missing: the authority knows no such tenant.
        Unavailable: it gave no answer that can be read.
        ServiceError: it refused, by its status.
    """
    address = f"{cloud.authority}/{tenant_id}/v2.0/.well-known/openid-configuration"
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            answer = await client.get(address, headers={"Accept": "application/json"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable("identity", "discover") from error
    if answer.status_code != HTTPStatus.OK:
        code = _code(answer)
        kind = Missing if code in _NO_SUCH_TENANT else kind_of(answer.status_code)
        raise kind(
            "identity",
            "discover",
            status=answer.status_code,
            service_code=code,
            retry_after=retry_after_of(answer.headers),
        )
    try:
        said = answer.json() if len(answer.content) <= _LARGEST else None
    except ValueError as error:
        raise Unavailable("identity", "discover", status=answer.status_code) from error
    if not isinstance(said, dict):
        raise Unavailable("identity", "discover", status=answer.status_code)
    instance, sub_scope = said.get("cloud_instance_name"), said.get("tenant_region_sub_scope")
    return cloud_of(str(instance), str(sub_scope))


def _code(answer: httpx.Response) -> str:
    with suppress(ValueError, AttributeError, TypeError, LookupError):
        return f"AADSTS{int(answer.json()['error_codes'][0])}"
    return ""
