"""Backups that were taken long ago."""

import shutil
from datetime import UTC, datetime, timedelta

from neonhub_backup.domain.layout import MANIFEST, Location, new_location
from neonhub_backup.domain.manifest import dump_manifest, load_manifest
from neonhub_backup.domain.retention import Tier
from tests.end_to_end.tool.conftest import Tool


def aged(tool: Tool, original: str, days: int) -> Location:
    """A copy of a backup as it would have been taken some days ago."""
    (source,) = [path.parent for path in tool.files() if path.parts[-2:] == (original, MANIFEST)]
    place = new_location(Tier.HOURLY, datetime.now(UTC) - timedelta(days=days))
    copy = tool.store / place.prefix
    shutil.copytree(source, copy)
    manifest = load_manifest((copy / MANIFEST).read_bytes(), "it").model_copy(
        update={
            "name": place.name,
            "tier": place.tier,
            "started": place.started,
            "finished": place.started,
        }
    )
    (copy / MANIFEST).unlink()
    (copy / MANIFEST).write_bytes(dump_manifest(manifest))
    return place
