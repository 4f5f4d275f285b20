"""The front page: who is where, what they hold, what was called. Everything shown is escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from simulator.admin_views import app_role_names, role_names
from simulator.calls import Call
from simulator.directory.objects import User
from simulator.directory.tenant import Tenant
from simulator.directory.views import access_pass_state
from simulator.wire import Request, Response

if TYPE_CHECKING:
    from simulator.cloud import Cloud

_CALLS_SHOWN = 100
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f4b; --bad: #c0392b; --soft: #5b6470 }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --bad: #ff8177; --soft: #a0a8b2 } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2.5rem auto;
  padding: 0 1.2rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.4rem 0 .2rem }
p, .soft { color: var(--soft) } p { margin: .2rem 0 .6rem }
code { font-family: ui-monospace, monospace; font-size: .92em }
.wide { overflow-x: auto; margin-bottom: 1rem }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th { text-align: left; font-weight: 600; color: var(--soft); white-space: nowrap }
th, td { border-bottom: 1px solid var(--line); padding: .3rem 1rem .3rem 0; vertical-align: top }
.on { color: var(--good) } .off { color: var(--bad) }
.tag { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6rem; margin-right: .3rem;
  font-size: .8rem; white-space: nowrap }
"""


def handle_front(cloud: "Cloud", request: Request) -> Response:
    """The page at `/`; nothing else is served here."""
    if request.path != "/":
        return Response(404, {"error": "not_found"})
    if request.method not in {"GET", "HEAD"}:
        return Response(405, {"error": "method_not_allowed"}, {"allow": "GET, HEAD"})
    tenants = "".join(_tenant(tenant) for tenant in cloud.tenants.values())
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Pretend Microsoft cloud</title><style>{_STYLE}</style></head><body>"
        "<h1>Pretend Microsoft cloud</h1>"
        f"<p>{escape(cloud.environment.name)} at <code>{escape(cloud.url)}</code>, "
        f"{escape(f'{cloud.now():%Y-%m-%d %H:%M:%S} UTC')}. Knobs: <code>/admin</code></p>"
        f"{tenants}{_vault(cloud)}{_calls(cloud)}</body></html>"
    )
    return Response(200, headers=_HEADERS, text=page, media_type="text/html; charset=utf-8")


def _tenant(tenant: Tenant) -> str:
    kind = "home tenant" if tenant.is_home else "customer tenant"
    licences = ", ".join(sorted(tenant.licences)) or "no premium licence"
    users = [_user(tenant, user) for user in tenant.users.values()]
    users += [_user(tenant, user) for user in tenant.deleted_users.values()]
    applications = [
        (
            escape(principal.display_name),
            _tags(role_names(tenant, principal.id)),
            str(len(principal.permissions)),
        )
        for principal in tenant.service_principals.values()
    ]
    return (
        f"<h2>{escape(tenant.name)}</h2>"
        f"<p>{kind}, {escape(licences)}, <code>{escape(tenant.domain)}</code>, "
        f"<code>{escape(tenant.id)}</code></p>"
        + _table(("Account", "Name", "State", "Roles", "Groups", "Ways to sign in"), users)
        + _table(("Application", "Directory roles", "Graph permissions"), applications)
    )


def _user(tenant: Tenant, user: User) -> tuple[str, ...]:
    state = '<span class="on">enabled</span>'
    if user.deleted is not None:
        state = '<span class="off">deleted</span>'
    elif not user.account_enabled:
        state = '<span class="off">disabled</span>'
    ways = ["password", *sorted(method.kind for method in user.methods.values())]
    if user.access_pass is not None:
        ways.append(f"access pass ({access_pass_state(tenant, user)})")
    return (
        f"<code>{escape(user.user_principal_name)}</code>",
        escape(user.display_name),
        state + (" (synced)" if user.synced else ""),
        _tags(role_names(tenant, user.id) + app_role_names(tenant, user.id)),
        _tags(sorted(group.display_name for group in tenant.groups_of(user.id))),
        escape(", ".join(ways)),
    )


def _vault(cloud: "Cloud") -> str:
    rows = [
        (
            f"<code>{escape(secret.name)}</code>",
            str(len(secret.versions)),
            str(sum(version.enabled for version in secret.versions.values())),
        )
        for secret in cloud.vault.secrets.values()
    ]
    return "<h2>Key vault</h2>" + _table(("Secret", "Versions", "Enabled versions"), rows)


def _calls(cloud: "Cloud") -> str:
    newest = list(cloud.calls)[-_CALLS_SHOWN:]
    rows = [_call(cloud, call) for call in reversed(newest)]
    columns = ("Time", "Service", "Tenant", "Call", "Status", "ms")
    return f"<h2>Last calls</h2>{_table(columns, rows)}"


def _call(cloud: "Cloud", call: Call) -> tuple[str, ...]:
    tenant = cloud.tenants.get(call.tenant or "")
    status = "no answer" if call.status is None else str(call.status)
    colour = "on" if call.status is not None and call.status < 400 else "off"
    fault = f' <span class="soft">{escape(call.fault)}</span>' if call.fault else ""
    return (
        escape(call.time[11:19]),
        escape(call.service),
        escape(tenant.name if tenant else call.tenant or ""),
        f"<code>{escape(call.method)} {escape(call.path)}</code>",
        f'<span class="{colour}">{escape(status)}</span>{fault}',
        f"{(call.ended - call.started) * 1000:.0f}",
    )


def _tags(names: Iterable[str]) -> str:
    return "".join(f'<span class="tag">{escape(name)}</span>' for name in names)


def _table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already."""
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        '<div class="wide"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
