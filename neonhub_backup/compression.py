"""zstd, by which everything that is stored is compressed before it is encrypted."""

from pathlib import Path

from neonhub_backup.processes import Command

COMPRESS = Command(
    ["zstd", "-1", "--zstd=hlog=12", "--quiet", "--no-progress", "--single-thread", "-c"]
)
"""A hash table that fits into a core's own cache: quicker, and smaller for vectors and for rows of
numbers, where a larger one finds repetitions by chance; a twentieth larger for long texts."""

_DECOMPRESS = ("zstd", "--decompress", "--quiet", "--no-progress")
DECOMPRESS = Command([*_DECOMPRESS, "-c"])


def decompress_into(path: Path) -> Command:
    """Reads compressed bytes and writes them as a new file."""
    return Command([*_DECOMPRESS, "-o", str(path)])
