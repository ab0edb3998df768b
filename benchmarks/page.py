"""The page that shows what was measured: tables, charts that GitHub draws, and the targets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WAYS = {
    "user": "`pg_dump \\| gzip \\| gpg`",
    "plain_directory": "`pg_dump -Fd -j2 --compress=gzip:1`, `tar \\| gpg -z 0`",
    "plain_zstd": "`pg_dump \\| zstd \\| gpg -z 0`",
    "ours": "`neonhub-backup`",
    "drill": "`neonhub-backup drill`, its own server",
}
_PLAIN_RESTORE = "`gpg -d \\| gunzip \\| psql`"
_TARGETS: Mapping[str, tuple[str, str, float]] = {
    "backup_vs_user": ("backup, times faster than `pg_dump \\| gzip \\| gpg`", "≥", 25),
    "backup_vs_best_plain": ("backup, times faster than the best plain pipeline", "≥", 3),
    "size_vs_user": ("size of the backup, beside theirs", "≤", 0.8),
    "data_vs_user": (f"time to data, times faster than {_PLAIN_RESTORE}", "≥", 5),
    "search_vs_user": ("time to search, times faster", "≥", 2),
    "drill_data_vs_user": ("time to data in a drill's own server, times faster", "≥", 5),
    "drill_search_vs_user": ("time to search in a drill's own server, times faster", "≥", 2),
    "peak_rss_mb": ("most memory beside PostgreSQL at 1, 4 and 10 times the size, MB", "<", 400),
    "small_overhead_seconds": ("seconds over `pg_dump`, 48 tables of 10 MB", "<", 2),
}


def write_page(path: Path, results: Mapping[str, Any]) -> None:
    """Write all that there are results of."""
    parts = [_HEAD.format(**results), _targets(results)]
    if "backup_seconds" in results:
        parts.append(_backups(results))
    if "search_seconds" in results:
        parts.append(_restores(results))
    if "sizes" in results:
        parts.append(_sizes(results))
    parts.append(_rest(results))
    path.write_text("\n".join(parts))


_HEAD = """\
# Performance

Written by `make bench` from [benchmarks/results.json](../benchmarks/results.json). Each figure
is the median of {rounds} runs on {cores} cores; the runs of all ways were interleaved on one
machine, so the ratios are what to look at.
"""
_DATABASE = """\
A database of {database_mb} MB without its indexes: 1.5 million small rows and 60,000 vectors of
1536 dimensions. Every way encrypts to a GPG key."""
_CLOCKS = """\
*Time to data*: all rows can be queried. *Time to search*: all indexes are built, the one of the
vectors (HNSW) among them. The server is as PostgreSQL comes; a drill's own is as nobody would run
one that has to survive. The cores limit both: decryption, decompression and the server's COPY share
them while rows are loaded, so more cores bring the rows sooner."""
_HUGE = """\
- A database that is one table of vectors takes {huge_table_seconds} s, with {huge_table_busy_cores}
  of {cores} cores at work: the table is cut into pieces."""
_ONE = """\
- One table of 1,000 rows out of the backup above: {one_table_seconds} s. Only its own objects
  are read."""
_SMALL = "- 48 tables of 10 MB: {ours} s, `pg_dump` alone {pg_dump} s."


def _targets(results: Mapping[str, Any]) -> str:
    rows = [
        f"| {words} | {results[name]} | {sign} {target}{_missed(results[name], sign, target)} |"
        for name, (words, sign, target) in _TARGETS.items()
        if name in results
    ]
    return "\n".join(["| what | measured | target |", "|---|---|---|", *rows, ""])


def _missed(measured: float, sign: str, target: float) -> str:
    met = {"≥": measured >= target, "≤": measured <= target, "<": measured < target}[sign]
    return "" if met else ", **missed**"


def _backups(results: Mapping[str, Any]) -> str:
    seconds, sizes = results["backup_seconds"], results["backup_mb"]
    rows = [
        f"| {words} | {seconds[way]} | {seconds[way] / seconds['ours']:.1f} | {sizes[way]} |"
        for way, words in _WAYS.items()
        if way in seconds
    ]
    return "\n".join(
        [
            "## Backup",
            "",
            _DATABASE.format(**results),
            "",
            "| way | seconds | times ours | MB stored |",
            "|---|---|---|---|",
            *rows,
            "",
            _chart("Seconds to back up", {way: seconds[way] for way in _WAYS if way in seconds}),
        ]
    )


def _restores(results: Mapping[str, Any]) -> str:
    data, search = results["data_seconds"], results["search_seconds"]
    rows = [
        f"| {_RESTORES.get(way, words)} | {data[way]} | {search[way]} |"
        for way, words in _WAYS.items()
        if way in search
    ]
    return "\n".join(
        [
            "## Restore",
            "",
            _CLOCKS,
            "",
            "| way | seconds to data | seconds to search |",
            "|---|---|---|",
            *rows,
            "",
            _chart("Seconds to data", {way: data[way] for way in _WAYS if way in data}),
            _chart("Seconds to search", {way: search[way] for way in _WAYS if way in search}),
        ]
    )


_RESTORES = {"user": _PLAIN_RESTORE, "ours": "`neonhub-backup restore`"}


def _sizes(results: Mapping[str, Any]) -> str:
    sizes: Mapping[str, Mapping[str, float]] = results["sizes"]
    rows = [
        f"| {multiple} | {each['mb']} | {each['seconds']} | {each['mb'] / each['seconds']:.0f} |"
        f" {each['peak_rss_mb']} |"
        for multiple, each in sizes.items()
    ]
    return "\n".join(
        [
            "## Larger databases",
            "",
            "Time grows with the size; memory does not.",
            "",
            "| times | MB | seconds | MB/s | MB of memory, all processes beside PostgreSQL |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _rest(results: Mapping[str, Any]) -> str:
    lines = ["## Other", ""]
    if "huge_table_busy_cores" in results:
        lines.append(_HUGE.format(**results))
    if "one_table_seconds" in results:
        lines.append(_ONE.format(**results))
    if "small_seconds" in results:
        lines.append(_SMALL.format(**results["small_seconds"]))
    return "\n".join([*lines, ""])


def _chart(title: str, values: Mapping[str, float]) -> str:
    names = ", ".join(f'"{_SHORT[way]}"' for way in values)
    numbers = ", ".join(str(value) for value in values.values())
    return "\n".join(
        [
            "```mermaid",
            "xychart-beta horizontal",
            f'    title "{title}"',
            f"    x-axis [{names}]",
            f'    y-axis "seconds" 0 --> {max(values.values()):.0f}',
            f"    bar [{numbers}]",
            "```",
            "",
        ]
    )


_SHORT = {
    "user": "gzip + gpg",
    "plain_directory": "-Fd -j2 + gpg",
    "plain_zstd": "zstd + gpg",
    "ours": "neonhub-backup",
    "drill": "drill",
}
