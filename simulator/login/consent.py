"""The admin consent page: a customer's administrator lets an application into the tenant.

Nobody signs in here: whoever opens the page counts as the administrator of the tenant in its
address. `sim_accept=true` or `false` in the query answers at once, for tests without a browser.
"""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from simulator.applications import Application
from simulator.directory.tenant import Tenant
from simulator.login import errors
from simulator.login.errors import describe, refuse
from simulator.wire import RefusalError, Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } li { font-family: ui-monospace, monospace; font-size: .9rem }
button { font: inherit; padding: .4rem 1.2rem; margin-right: .6rem }
"""


def admin_consent(cloud: "Cloud", name: str, request: Request) -> Response:
    """The page, or the redirect with the administrator's answer."""
    try:
        return _answered(cloud, name, request)
    except RefusalError as refusal:
        # The address to go back to is not to be trusted then: the person is told here.
        said = str(refusal.response.document["error_description"])
        title = "Sorry, but we are having trouble signing you in"
        return _page(title, f"<p>{escape(said)}</p>", refusal.response.status)


def _answered(cloud: "Cloud", name: str, request: Request) -> Response:
    tenant = cloud.tenants.get(name)
    if tenant is None:
        raise refuse(errors.UNKNOWN_TENANT, name)
    asked = request.query
    for needed in ("client_id", "redirect_uri", "scope"):
        if not asked.get(needed):
            raise refuse(errors.MALFORMED, needed)
    application = _application(cloud, tenant, asked["client_id"])
    if asked["redirect_uri"] not in application.redirect_uris:
        raise refuse(errors.UNKNOWN_REDIRECT, asked["redirect_uri"], application.app_id)
    wanted = f"{cloud.environment.graph}/.default"
    if asked["scope"] not in {wanted, f"{cloud.url}/.default"}:
        raise refuse(errors.INVALID_SCOPE, asked["scope"], f"Ask for {wanted}.")
    form = request.form() if request.method == "POST" else {}
    decision = asked.get("sim_accept") or form.get("sim_accept")
    if decision is None:
        return _question(tenant, application)
    if decision == "true":
        tenant.consent(application.app_id, application.display_name, set(application.permissions))
        answer = {
            "admin_consent": "True",
            "tenant": tenant.id,
            "scope": _scopes(cloud, application),
        }
    else:
        description = describe(errors.CONSENT_DECLINED)
        answer = {
            "error": "access_denied",
            "error_description": description,
            "admin_consent": "True",
            "tenant": tenant.id,
        }
    if "state" in asked:
        answer["state"] = asked["state"]
    return Response(302, headers={"location": f"{asked['redirect_uri']}?{urlencode(answer)}"})


def _application(cloud: "Cloud", tenant: Tenant, app_id: str) -> Application:
    application = cloud.applications.get(app_id)
    if application is None:
        raise refuse(errors.NOT_IN_TENANT, app_id, tenant.name)
    if application.home_tenant != tenant.id and not application.multi_tenant:
        raise refuse(errors.NOT_IN_TENANT, app_id, tenant.name)
    return application


def _scopes(cloud: "Cloud", application: Application) -> str:
    return " ".join(f"{cloud.environment.graph}/{each}" for each in sorted(application.permissions))


def _question(tenant: Tenant, application: Application) -> Response:
    permissions = "".join(f"<li>{escape(each)}</li>" for each in sorted(application.permissions))
    return _page(
        "Permissions requested",
        f"<p>{escape(application.display_name)} asks for these permissions in "
        f"{escape(tenant.name)} ({escape(tenant.domain)}), for your whole organization:</p>"
        f'<ul>{permissions}</ul><form method="post">'
        '<button name="sim_accept" value="true">Accept</button>'
        '<button name="sim_accept" value="false">Cancel</button></form>',
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return Response(status, headers=_HEADERS, text=text, media_type="text/html; charset=utf-8")
