"""zstd, by which everything that is stored is compressed before it is encrypted."""

from pathlib import Path

from neonhub_backup.processes import Command

COMPRESS = Command(["zstd", "-1", "--quiet", "--no-progress", "--single-thread", "-c"])

_DECOMPRESS = ("zstd", "--decompress", "--quiet", "--no-progress")
DECOMPRESS = Command([*_DECOMPRESS, "-c"])


def decompress_into(path: Path) -> Command:
    """Reads compressed bytes and writes them as a new file."""
    return Command([*_DECOMPRESS, "-o", str(path)])
