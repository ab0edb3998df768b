"""Comparing two schemas object by object, from the text of `pg_dump --schema-only`."""

import hashlib
import json
import re
from collections import defaultdict

from neonhub_backup.domain.manifest import Schema

OBJECT = re.compile(
    r"^--\n-- Name: (?P<name>.*); Type: (?P<type>.*?);"
    r" Schema: (?P<schema>.*); Owner: ?(?P<owner>.*)\n--\n",
    re.MULTILINE,
)
_NOT_ITS_OWN = re.compile(
    r"^(ALTER .* OWNER TO .*;"
    r"|SET default_tablespace = .*;"
    r"|SET default_table_access_method = .*;"
    r"|\\(un)?restrict .*"
    r"|--|-- PostgreSQL database dump complete)$",
    re.MULTILINE,
)
"""Lines that belong to no object, or to its owner, which is an entry of its own."""
_ACCESS_METHOD = re.compile(r"^SET default_table_access_method = (.*);$", re.MULTILINE)
_POLICY_ROLES = re.compile(r"(?<= TO )(.+?)(?= USING | WITH CHECK |;$)", re.MULTILINE)
_OF_ROLES = ("OWNER ", "ACL ", "DEFAULT ACL ")


def fingerprint(dump: str) -> Schema:
    """Digest every object of a schema-only dump.

    Owners are objects of their own, named `OWNER <type> <schema> <name>`, so that a restore that
    leaves them out can still be compared.
    """
    bodies: dict[str, list[str]] = defaultdict(list)
    method = ""
    headers = list(OBJECT.finditer(dump))
    ends = [*(header.start() for header in headers), len(dump)][1:]
    before = dump[: headers[0].start()] if headers else ""
    for header, end in zip(headers, ends, strict=True):
        found = _ACCESS_METHOD.findall(before)
        method = found[-1] if found else method
        text = dump[header.end() : end]
        identity = f"{header['type']} {header['schema']} {header['name']}"
        body = "\n".join(filter(None, _NOT_ITS_OWN.sub("", text).split("\n")))
        if header["type"] == "POLICY":
            body = _POLICY_ROLES.sub(_sorted_roles, body)
        # A table's access method stands before it, as a setting.
        bodies[identity].append(f"{method}\n{body}" if header["type"] == "TABLE" else body)
        bodies[f"OWNER {identity}"].append(header["owner"])
        before = text
    objects = {
        identity: _digest("\n".join(sorted(found)))[:16]
        for identity, found in sorted(bodies.items())
    }
    canonical = json.dumps(objects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Schema(fingerprint=_digest(canonical), objects=objects)


def differences(promised: Schema, found: Schema, *, roles: bool, definitions: bool) -> list[str]:
    """One line for every object that is missing, unexpected or defined otherwise.

    `roles=False` leaves owners and privileges out; `definitions=False` compares only which objects
    there are, because another major version words the same definition in other ways.
    """
    lines: list[str] = []
    for identity in sorted(promised.objects.keys() | found.objects.keys()):
        if not roles and identity.startswith(_OF_ROLES):
            continue
        before, after = promised.objects.get(identity), found.objects.get(identity)
        if after is None:
            lines.append(f"{identity} is missing")
        elif before is None:
            lines.append(f"{identity} is not in the backup's manifest")
        elif definitions and before != after:
            lines.append(f"{identity} is defined otherwise")
    return lines


def _sorted_roles(listed: re.Match[str]) -> str:
    # pg_dump lists them in the order in which the server happens to store its roles.
    return ", ".join(sorted(listed[0].split(", ")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
