"""What `status --json` showed of other environments, read from files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.watch.status import FORMAT


class _Recovery(BaseModel):
    target_seconds: float
    last_seconds: float | None


class _Store(BaseModel):
    recovery: _Recovery


class _Database(BaseModel):
    age_seconds: float | None
    proof_age_seconds: float | None
    stores: tuple[_Store, ...]


class _Finding(BaseModel):
    verdict: Literal["warning", "breach"]


class _Status(BaseModel):
    """As much of it as a glance shows. Whatever else it has is of no concern here."""

    format: str
    environment: str
    taken: AwareDatetime
    verdict: Literal["well", "warning", "breach"]
    rpo_seconds: float | None
    prove_every_seconds: float
    databases: tuple[_Database, ...]
    findings: tuple[_Finding, ...]


_SHAPE = TypeAdapter(_Status)


def read_statuses(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Each file's status.

    Raises:
        ConfigurationError: one cannot be read, or is none.
    """
    return [_read(path) for path in paths]


def _read(path: Path) -> dict[str, Any]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        found = _SHAPE.validate_python(content)
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "all of it"
        raise _refused(path, f"is no status ({where}: {first['msg']})") from error
    except ValueError as error:
        raise _refused(path, f"is no JSON ({error})") from error
    if found.format != FORMAT:
        raise _refused(path, f"has the format {found.format} and not {FORMAT}")
    return content


def _refused(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"--with {path} {why}, so nothing was written: give what neonhub-backup status --json wrote"
        " of another environment, by the same release"
    )
