"""What the building of indexes may take: memory and workers of the machine on which it happens.

A graph of vectors is built many times faster while it fits into memory, and by several workers,
which PostgreSQL gives only to tables of some size: but the vectors of a table lie outside of it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.postgres.connection import Connection, Target, query

_USUAL_BYTES = 256 << 20
"""Memory for indexes that sort: more makes them little faster."""
_LEAST_TABLE = "256kB"
"""Size of a table without its vectors from which its indexes are built by several workers."""
_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_LOOPBACK = "inet '127.0.0.0/8' >>= inet_server_addr() OR inet_server_addr() = inet '::1'"


@dataclass(frozen=True)
class Means:
    """What each of several jobs that build indexes side by side may take."""

    jobs: int
    memory_bytes: int
    """For one index at a time."""
    workers: int
    """Beside the process that leads."""

    def options(self) -> str:
        """Settings for `PGOPTIONS`."""
        settings = {
            "maintenance_work_mem": f"{self.memory_bytes >> 10}kB",
            "max_parallel_maintenance_workers": str(self.workers),
            "min_parallel_table_scan_size": _LEAST_TABLE,
            "synchronous_commit": "off",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())


def needed_bytes(index_bytes: int) -> int:
    """Memory in which a graph of vectors is built quickly, from the size of its index on disk.

    In memory a neighbour takes 16 bytes and on disk 6, which counts where vectors are short; on
    disk, long vectors leave a part of each block empty.
    """
    return index_bytes * 3 // 2 + (32 << 20)


def means(connection: Connection, jobs: int, largest_index_bytes: int) -> Means:
    """What so many jobs may take on the server of a connection.

    As much as the largest index of vectors needs, and not more: a parallel build allocates all
    that it may take before it begins. At most, on this machine, half of the memory that is free;
    on another, whose size nobody tells, what its administrator gave to shared buffers, which is
    about a quarter of it by PostgreSQL's advice:
    https://www.postgresql.org/docs/current/runtime-config-resource.html
    """
    ((own, buffers, most, workers, here),) = query(
        connection,
        f"""
        SELECT pg_size_bytes(current_setting('maintenance_work_mem')),
               pg_size_bytes(current_setting('shared_buffers')),
               current_setting('max_parallel_workers')::int,
               current_setting('max_parallel_maintenance_workers')::int,
               inet_server_addr() IS NULL OR {_LOOPBACK}
        """,
    )
    assert isinstance(own, int) and isinstance(buffers, int)  # noqa: S101, PT018 - as asked for
    assert isinstance(most, int) and isinstance(workers, int)  # noqa: S101, PT018 - as asked for
    if here:
        most_bytes, workers = available_bytes() // 2, max(1, (os.cpu_count() or 1) - 1)
    else:
        most_bytes, workers = buffers, max(workers, most // jobs)
    wanted = max(needed_bytes(largest_index_bytes), _USUAL_BYTES)
    return Means(jobs, max(own, min(wanted, most_bytes // jobs)), workers)


def available_bytes() -> int:
    """Memory that new work on this machine, or in this container, can have."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        (free,) = [int(line.split()[1]) << 10 for line in lines if line[:13] == "MemAvailable:"]
    except (FileNotFoundError, ValueError):  # no Linux, or one from before 2014
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    for path in _LIMITS:
        if path.exists() and (limit := path.read_text().strip()).isdigit():
            free = min(free, int(limit))
    return free


def with_options(target: Target, options: str) -> dict[str, str]:
    """The variables by which programs reach a database, with more settings for their sessions."""
    environment = target.environment()
    return environment | {"PGOPTIONS": f"{environment.get('PGOPTIONS', '')} {options}".strip()}
