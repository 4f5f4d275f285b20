"""From the end of a grant's time to its verified end, and whether anything still opens then."""

from http import HTTPStatus
from typing import Any

import httpx

from devhost.demo.scene import (
    NOT_YET,
    Contradiction,
    Look,
    Scene,
    Seen,
    moment,
    now,
    reason_of,
    require,
)
from simulator.login.people import AZURE_CLI

_MUST_HOLD = ("accountDisabled", "passwordRotated", "credentialDisabled")
_MUST_BE_NONE = ("rolesLeft", "groupsLeft", "methodsLeft")


def expired(scene: Scene) -> Look:
    """The grant ends because its time is up, and not before."""
    view = scene.read()
    expires = moment(view["expiresAt"])
    if view["state"] == "active":
        return f"{max((expires - now()).total_seconds(), 0):.0f} s to go"
    if view["endReason"] != "expired":
        raise Contradiction(f"the grant ends as {view['endReason']}: {view['failure']}")
    return Seen(expires, "reason: expired")


def returned(scene: Scene) -> Look:
    """Ann gives the access back before its time is up."""
    at, address = now(), f"{scene.grant.address}/end"
    require(scene.api.post(address, json={"reason": "Done."}), HTTPStatus.ACCEPTED)
    return Seen(at, "202")


def disabled(scene: Scene) -> Look:
    """The first thing that changes about the account is that nobody can use it."""
    seen = scene.taken(lambda _: True)
    if seen is None:
        return NOT_YET
    if seen.enabled:
        raise Contradiction("something else was taken from the account first")
    return Seen(seen.at, "no sign-in from here on")


def sessions_revoked(scene: Scene) -> Look:
    """No refresh token of the account is worth anything any more."""
    seen = scene.taken(lambda sighting: not sighting.sessions)
    return _still(scene.witness.latest.sessions) if seen is None else Seen(seen.at, "0 left")


def roles_removed(scene: Scene) -> Look:
    """The account has no role."""
    seen = scene.taken(lambda sighting: not sighting.roles)
    return _still(len(scene.witness.latest.roles)) if seen is None else Seen(seen.at, "0 left")


def methods_removed(scene: Scene) -> Look:
    """The account has no pass and no other method of signing in."""
    seen = scene.taken(lambda sighting: not sighting.methods)
    return _still(len(scene.witness.latest.methods)) if seen is None else Seen(seen.at, "0 left")


def password_rotated(scene: Scene) -> Look:
    """The password is another one, and nobody keeps it."""
    seen = scene.taken(lambda sighting: sighting.password != scene.grant.password)
    if seen is None:
        return "it is still the one that was revealed"
    if scene.witness.vault_holds(seen.password):
        raise Contradiction("the new password lies in the vault")
    return Seen(seen.at, "to one that is kept nowhere")


def secrets_disabled(scene: Scene) -> Look:
    """No version of the grant's secrets can be read any more."""
    secrets = {scene.grant.password_secret, scene.grant.pass_secret}
    seen = scene.taken(lambda sighting: not sighting.readable_secrets & secrets)
    if seen is None:
        return _still(len(scene.witness.latest.readable_secrets & secrets))
    return Seen(seen.at, "password and pass")


def verified(scene: Scene) -> Look:
    """Curfew has read everything back, and shows what it read."""
    evidence = scene.read()["evidence"]
    if evidence is None:
        return "no evidence yet"
    _require_clean(evidence)
    facts = "disabled, rotated; 0 roles, groups, methods"
    return Seen(moment(evidence["verifiedAt"]), facts)


def ended(scene: Scene) -> Look:
    """The grant is in the history; its lease and its claim on the account are gone."""
    if scene.lease() is not None or scene.claim() is not None:
        return f"the lease is still there, {scene.read()['state']}"
    # Read only now: what was read before the lease went would tell of a grant that is ending.
    view = scene.read()
    if view["state"] != "ended" or scene.history() is None:
        raise Contradiction("the lease is gone, and the history does not have the grant")
    _require_clean(view["evidence"])
    by = f" by {view['endedBy']['name']}" if view["endedBy"] else ""
    return Seen(moment(view["endedAt"]), f"{view['endReason']}{by}, verified")


def password_refused(scene: Scene) -> Look:
    """The password opens nothing any more."""
    return _refused(scene.sign_in(scene.grant.password))


def pass_refused(scene: Scene) -> Look:
    """The pass opens nothing any more."""
    return _refused(scene.sign_in(scene.grant.access_pass, client_id=AZURE_CLI))


def session_refused(scene: Scene) -> Look:
    """The session that the password opened cannot be refreshed."""
    token = scene.grant.refresh_token
    return _refused(scene.sign_in("", grant_type="refresh_token", refresh_token=token))


def _still(left: int) -> str:
    return f"{left} left"


def _refused(answer: httpx.Response) -> Look:
    if answer.status_code == HTTPStatus.OK:
        raise Contradiction("it still opens a session")
    if answer.json().get("error") != "invalid_grant":
        # An outage lets nobody in either, and proves nothing.
        return f"no judgement: {reason_of(answer)}"
    return Seen(now(), reason_of(answer))


def _require_clean(evidence: dict[str, Any]) -> None:
    clean = all(evidence[fact] for fact in _MUST_HOLD)
    if not clean or any(evidence[count] for count in _MUST_BE_NONE):
        raise Contradiction(f"the evidence is not clean: {evidence}")
