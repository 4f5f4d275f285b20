"""From a running stack to an account in use: what Ann and Ada do, and what is seen of it."""

from datetime import timedelta
from http import HTTPStatus

from pydantic import TypeAdapter

from devhost.demo.scene import (
    NOT_YET,
    Contradiction,
    Grant,
    Look,
    Scene,
    Seen,
    moment,
    names,
    now,
    reason_of,
    require,
    written_at,
)
from devhost.stack import helpdesk
from simulator.login.people import AZURE_CLI

PROFILE = "helpdesk"

_duration: TypeAdapter[timedelta] = TypeAdapter(timedelta)


def running(scene: Scene) -> Look:
    """The app serves, and says so."""
    health = require(scene.api.get("/api/health"), HTTPStatus.OK).json()
    return Seen(now(), f"health: {health['status']}")


def onboarded(scene: Scene) -> Look:
    """Ada writes the tenant and its profile down; Ann can see what is offered."""
    scene.stack.onboard(scene.tenant, **{PROFILE: helpdesk()})
    answer = require(scene.api.get(f"/api/tenants/{scene.tenant.id}"), HTTPStatus.OK)
    (offered,) = answer.json()["profiles"]
    return Seen(now(), names(offered["roles"]))


def requested(scene: Scene) -> Look:
    """Ann asks for a short grant. Nothing in this demo but her requests gives access."""
    duration: str = _duration.dump_python(scene.duration, mode="json")
    return _request(scene, {"duration": duration})


def requested_again(scene: Scene) -> Look:
    """Ann asks for as long as the profile gives, which is much longer than she will need."""
    return _request(scene, {})


def leased(scene: Scene) -> Look:
    """The lease and the claim on the account are in the ledger: two rows, one transaction."""
    lease, claim = scene.lease(), scene.claim()
    if lease is None or claim is None:
        return NOT_YET
    deadline = moment(lease["deadline"]).astimezone()
    # The lease is written again later; the claim's time is that of the transaction.
    return Seen(written_at(claim), f"over by {deadline:%H:%M:%S} at the latest")


def password_kept(scene: Scene) -> Look:
    """The password is in the vault while there is no account yet that it could open."""
    seen = scene.given(lambda sighting: scene.grant.password_secret in sighting.readable_secrets)
    if seen is None:
        return NOT_YET
    if seen.account_id:
        raise Contradiction("the account was there before its password was in the vault")
    return Seen(seen.at, "before there is an account")


def created_disabled(scene: Scene) -> Look:
    """The account appears after its lease, and nobody can use it."""
    seen = scene.given(lambda sighting: bool(sighting.account_id))
    if seen is None:
        return NOT_YET
    claim = scene.claim()
    if claim is None or written_at(claim) > seen.at:
        raise Contradiction("the account appeared before its lease")
    if seen.enabled or seen.roles:
        raise Contradiction("the account appeared enabled, or with roles")
    scene.account_id = seen.account_id
    return Seen(seen.at, f"{scene.grant.account} ({seen.account_id[:8]}…)")


def roles_assigned(scene: Scene) -> Look:
    """The account has the profile's roles, and still nobody can use it."""
    seen = scene.given(lambda sighting: sighting.roles >= scene.grant.roles)
    if seen is None:
        return NOT_YET
    if seen.enabled:
        raise Contradiction("the account was enabled before it had its roles")
    return Seen(seen.at, names(scene.grant.view["roles"]))


def pass_issued(scene: Scene) -> Look:
    """A Temporary Access Pass is registered, and its value is in the vault."""
    name = scene.grant.pass_secret
    seen = scene.given(lambda now: bool(now.methods) and name in now.readable_secrets)
    return NOT_YET if seen is None else Seen(seen.at, "its value is in the vault")


def enabled(scene: Scene) -> Look:
    """The account is enabled with everything it was to have, and the grant is active."""
    seen = scene.given(lambda sighting: sighting.enabled)
    if seen is None:
        return NOT_YET
    if not seen.methods or not seen.roles >= scene.grant.roles:
        raise Contradiction("the account was enabled before it was complete")
    view = scene.read()
    if view["state"] != "active":
        return f"the grant is {view['state']}"
    scene.grant.used_mark = scene.witness.mark
    left = (moment(view["expiresAt"]) - seen.at).total_seconds()
    return Seen(seen.at, f"grant active, {left:.1f} s to go")


def revealed(scene: Scene) -> Look:
    """Ann takes the credential, once. It is used from here on, and shown nowhere."""
    answer = scene.api.post(f"{scene.grant.address}/credential")
    credential, grant = require(answer, HTTPStatus.OK).json(), scene.grant
    grant.password = credential["password"]
    grant.access_pass = credential["temporaryAccessPass"]
    lengths = f"{len(grant.password)} characters; pass: {len(grant.access_pass)} characters"
    return Seen(now(), f"password: {lengths}")


def password_accepted(scene: Scene) -> Look:
    """The password opens a session."""
    answer = scene.sign_in(scene.grant.password)
    if answer.status_code != HTTPStatus.OK:
        return f"refused: {reason_of(answer)}"
    scene.grant.refresh_token = answer.json()["refresh_token"]
    scene.grant.used_mark = scene.witness.mark
    return Seen(now(), "200, a token")


def pass_accepted(scene: Scene) -> Look:
    """The pass opens a session with a client that demands a second factor."""
    answer = scene.sign_in(scene.grant.access_pass, client_id=AZURE_CLI)
    if answer.status_code != HTTPStatus.OK:
        return f"refused: {reason_of(answer)}"
    scene.grant.used_mark = scene.witness.mark
    return Seen(now(), "200, a token, past the Azure CLI's MFA")


def woken(scene: Scene) -> Look:
    """The next grant wakes the account of the first, with another password."""
    seen = scene.given(lambda sighting: sighting.enabled)
    if seen is None:
        return NOT_YET
    if seen.account_id != scene.account_id:
        raise Contradiction("it is another account than the first grant's")
    if seen.password == scene.grants[0].password:
        raise Contradiction("it has the password of the first grant")
    view = scene.read()
    if view["state"] != "active":
        return f"the grant is {view['state']}"
    scene.grant.used_mark = scene.witness.mark
    return Seen(seen.at, f"same object ({seen.account_id[:8]}…), new password")


def _request(scene: Scene, more: dict[str, str]) -> Look:
    asked = {"tenant": scene.tenant.id, "profile": PROFILE, **more}
    mark, at = scene.witness.mark, now()
    answer = require(scene.api.post("/api/grants", json=asked), HTTPStatus.ACCEPTED)
    scene.grants.append(Grant(at, mark, answer.headers["Location"], answer.json()))
    return Seen(at, f"202, grant …{scene.grant.id[-6:]} for {scene.grant.view['duration']}")
