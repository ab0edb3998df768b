"""Cloud KMS: key rings and keys, none of which is ever deleted.

Source of the rules: https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings
"""

from datetime import UTC, datetime, timedelta

from sandbox.emulators.gcp import policies
from sandbox.emulators.gcp.buckets import check_labels
from sandbox.emulators.gcp.errors import exists, invalid, not_found
from sandbox.emulators.gcp.locations import PAIRS, REGIONS
from sandbox.emulators.gcp.routing import (
    Call,
    Routes,
    allow,
    as_object,
    masked,
    matching,
    now,
    one_of,
    seconds,
    whole,
    written,
)
from sandbox.emulators.gcp.store import Document

routes = Routes()

_ID = r"[a-zA-Z0-9_-]{1,63}"
_DAY = 86400
_LONGEST_ROTATION = 876_000 * 3600
_LONGEST_DESTRUCTION = 120 * _DAY
_PURPOSES = ("ENCRYPT_DECRYPT", "ASYMMETRIC_SIGN", "ASYMMETRIC_DECRYPT", "MAC")
_LEVELS = ("SOFTWARE", "HSM", "EXTERNAL", "EXTERNAL_VPC")
_LOCATIONS = {"global", "us", "europe", "asia", *(place.lower() for place in REGIONS | PAIRS)}
_MUTABLE = ("labels", "rotationPeriod", "nextRotationTime", "versionTemplate")
_RING = "/v1/projects/{project}/locations/{location}/keyRings/{ring}"
_KEY = f"{_RING}/cryptoKeys/{{key}}"


@routes.on("POST", "/v1/projects/{project}/locations/{location}/keyRings")
def create_ring(call: Call, project: str, location: str) -> Document:
    if location not in _LOCATIONS:
        raise not_found(f"The request concerns location '{location}', which is not available.")
    name = _ring(call, project, location, matching("keyRingId", call.require("keyRingId"), _ID))
    if name in call.store.table("rings"):
        raise exists(f"KeyRing {name} already exists.")
    call.store.table("rings")[name] = {"name": name, "createTime": now()}
    return call.store.table("rings")[name]


@routes.on("GET", _RING)
def show_ring(call: Call, project: str, location: str, ring: str) -> Document:
    name = _ring(call, project, location, ring)
    if name not in call.store.table("rings"):
        raise not_found(f"KeyRing {name} not found.")
    return call.store.table("rings")[name]


@routes.on("POST", f"{_RING}/cryptoKeys")
def create_key(call: Call, project: str, location: str, ring: str) -> Document:
    name = f"{show_ring(call, project, location, ring)['name']}/cryptoKeys/"
    name += matching("cryptoKeyId", call.require("cryptoKeyId"), _ID)
    if name in call.store.table("keys"):
        raise exists(f"CryptoKey {name} already exists.")
    fixed = ("purpose", "importOnly", "destroyScheduledDuration", "cryptoKeyBackend")
    allow(call.body, (*fixed, *_MUTABLE))
    purpose = one_of("purpose", call.body.get("purpose"), _PURPOSES)
    kept = seconds(
        "destroyScheduledDuration",
        call.body.get("destroyScheduledDuration", f"{30 * _DAY}s"),
        _DAY,
        _LONGEST_DESTRUCTION,
    )
    key: Document = {
        **call.body,
        "name": name,
        "createTime": now(),
        "destroyScheduledDuration": f"{kept}s",
        "versionTemplate": {
            "protectionLevel": "SOFTWARE",
            **_algorithm(purpose),
            **as_object("versionTemplate", call.body.get("versionTemplate")),
        },
    }
    _check(key)
    call.store.table("keys")[name] = key
    if call.query.get("skipInitialVersionCreation") != "true":
        version: Document = {
            "name": f"{name}/cryptoKeyVersions/1",
            "state": "ENABLED",
            "createTime": now(),
        }
        call.store.table("versions")[version["name"]] = {**version, **key["versionTemplate"]}
        if purpose == "ENCRYPT_DECRYPT":
            key["primary"] = {"name": version["name"]}
    return _shown(call, key)


@routes.on("GET", _KEY)
def show_key(call: Call, project: str, location: str, ring: str, key: str) -> Document:
    return _shown(call, _key(call, project, location, ring, key))


@routes.on("PATCH", _KEY)
def update_key(call: Call, project: str, location: str, ring: str, key: str) -> Document:
    found = _key(call, project, location, ring, key)
    changed = dict(found)
    for name in masked(call, _MUTABLE):
        changed.pop(name, None)
        if call.body.get(name) not in (None, "", {}):
            changed[name] = call.body[name]
    given = as_object("versionTemplate", changed.get("versionTemplate"))
    template = {**found["versionTemplate"], **given}
    if template["protectionLevel"] != found["versionTemplate"]["protectionLevel"]:
        raise invalid("The protection level of a key cannot be changed.")
    changed["versionTemplate"] = template
    _check(changed)
    call.store.table("keys")[found["name"]] = changed
    return _shown(call, changed)


@routes.on("GET", f"{_KEY}/cryptoKeyVersions")
def list_versions(call: Call, project: str, location: str, ring: str, key: str) -> Document:
    prefix = f"{_key(call, project, location, ring, key)['name']}/"
    found = [v for n, v in call.store.table("versions").items() if n.startswith(prefix)]
    return {"cryptoKeyVersions": found, "totalSize": len(found)}


@routes.on("POST", f"{_KEY}/cryptoKeyVersions/{{version}}:destroy")
def destroy_version(
    call: Call, project: str, location: str, ring: str, key: str, version: str
) -> Document:
    found = _key(call, project, location, ring, key)
    kept = int(found["destroyScheduledDuration"].rstrip("s"))
    name = f"{found['name']}/cryptoKeyVersions/{version}"
    if name not in call.store.table("versions"):
        raise not_found(f"CryptoKeyVersion {name} not found.")
    moment = datetime.now(UTC) + timedelta(seconds=kept)
    state = {"state": "DESTROY_SCHEDULED", "destroyTime": written(moment)}
    call.store.table("versions")[name].update(state)
    return call.store.table("versions")[name]


@routes.on("GET", f"{_KEY}:getIamPolicy")
def show_policy(call: Call, project: str, location: str, ring: str, key: str) -> Document:
    return policies.show(call.store, _key(call, project, location, ring, key)["name"])


@routes.on("POST", f"{_KEY}:setIamPolicy")
def replace_policy(call: Call, project: str, location: str, ring: str, key: str) -> Document:
    found = _key(call, project, location, ring, key)
    return policies.replace(call.store, found["name"], call.body.get("policy"))


def _ring(call: Call, project: str, location: str, ring: str) -> str:
    return f"projects/{call.store.project_id(project)}/locations/{location}/keyRings/{ring}"


def _key(call: Call, project: str, location: str, ring: str, key: str) -> Document:
    name = f"{_ring(call, project, location, ring)}/cryptoKeys/{key}"
    if name not in call.store.table("keys"):
        raise not_found(f"CryptoKey {name} not found.")
    return call.store.table("keys")[name]


def _shown(call: Call, key: Document) -> Document:
    if "primary" not in key:
        return key
    return {**key, "primary": call.store.table("versions")[key["primary"]["name"]]}


def _algorithm(purpose: str) -> Document:
    """Only symmetric keys have an algorithm of their own accord."""
    return {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"} if purpose == "ENCRYPT_DECRYPT" else {}


def _check(key: Document) -> None:
    check_labels(as_object("labels", key.get("labels")))
    template = key["versionTemplate"]
    allow(template, ("algorithm", "protectionLevel"), "versionTemplate.")
    one_of("versionTemplate.protectionLevel", template["protectionLevel"], _LEVELS)
    matching("versionTemplate.algorithm", template.get("algorithm"), r"[A-Z0-9_]+")
    if "rotationPeriod" not in key:
        return
    if key["purpose"] != "ENCRYPT_DECRYPT":
        raise invalid("Only keys of purpose ENCRYPT_DECRYPT rotate by themselves.")
    seconds("rotationPeriod", key["rotationPeriod"], _DAY, _LONGEST_ROTATION)
    moment = key.get("nextRotationTime")
    if moment is None:
        raise invalid("A key with a rotation period needs a time of its next rotation.")
    whole("nextRotationTime", str(moment)[:4], 1970, 9999)
