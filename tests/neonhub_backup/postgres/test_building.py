"""What building indexes may take, from what the server tells of itself and this machine has."""

from pathlib import Path
from typing import cast

import pytest

from neonhub_backup.postgres import building
from neonhub_backup.postgres.building import (
    Means,
    available_bytes,
    means,
    needed_bytes,
    with_options,
)
from neonhub_backup.postgres.connection import Connection, Target

GIB = 1 << 30
MIB = 1 << 20


class _Server:
    """Answers with its own maintenance_work_mem, shared buffers, workers, and where it is."""

    def __init__(self, *, own: int, buffers: int, workers: int = 8, here: bool) -> None:
        self._answer = (own, buffers, workers, 2, here)

    def execute(self, *_: object) -> "_Server":
        return self

    def fetchall(self) -> list[tuple[object, ...]]:
        return [self._answer]


def _means(server: _Server, index: int = 8 * GIB) -> Means:
    return means(cast("Connection", server), 2, index)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 GiB free, 4 cores."""
    monkeypatch.setattr(building, "available_bytes", lambda: 16 * GIB)
    monkeypatch.setattr(building.os, "cpu_count", lambda: 4)


@pytest.mark.usefixtures("machine")
class TestAServerOnThisMachine:
    """Shares its memory and its cores."""

    def test_gives_half_of_what_is_free_to_all_jobs_together(self) -> None:
        assert _means(_Server(own=64 * MIB, buffers=128 * MIB, here=True)).memory_bytes == 4 * GIB

    def test_gives_no_less_than_it_would_unasked(self) -> None:
        assert _means(_Server(own=6 * GIB, buffers=128 * MIB, here=True)).memory_bytes == 6 * GIB

    def test_gives_no_more_than_the_largest_index_needs(self) -> None:
        found = _means(_Server(own=64 * MIB, buffers=128 * MIB, here=True), index=2 * GIB)

        assert found.memory_bytes == needed_bytes(2 * GIB) == 3 * GIB + 32 * MIB

    def test_gives_what_sorting_takes_when_there_are_no_vectors(self) -> None:
        found = _means(_Server(own=64 * MIB, buffers=128 * MIB, here=True), index=0)

        assert found.memory_bytes == 256 * MIB

    def test_has_a_process_for_each_core(self) -> None:
        assert _means(_Server(own=MIB, buffers=MIB, here=True)).workers == 3


@pytest.mark.usefixtures("machine")
class TestAServerElsewhere:
    """Has memory and cores that nobody tells of."""

    def test_is_asked_for_no_more_than_its_buffers(self) -> None:
        found = _means(_Server(own=64 * MIB, buffers=2 * GIB, here=False))

        assert (found.memory_bytes, found.workers) == (1 * GIB, 4)

    def test_keeps_what_its_administrator_gave(self) -> None:
        found = _means(_Server(own=2 * GIB, buffers=GIB, workers=2, here=False))

        assert (found.memory_bytes, found.workers) == (2 * GIB, 2)


def test_programs_are_told_beside_what_the_connection_string_says() -> None:
    target = Target({"host": "db", "dbname": "app", "options": "-c work_mem=1MB"})

    told = with_options(target, Means(jobs=2, memory_bytes=MIB, workers=3).options())

    assert told["PGOPTIONS"] == (
        "-c work_mem=1MB -c maintenance_work_mem=1024kB -c max_parallel_maintenance_workers=3"
        " -c min_parallel_table_scan_size=256kB -c synchronous_commit=off"
    )


@pytest.mark.parametrize(
    ("limit", "expected"), [("max\n", 8 * GIB), (f"{2 * GIB}\n", 2 * GIB), (None, 8 * GIB)]
)
def test_a_container_has_no_more_memory_than_its_limit(
    limit: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "memory.max"
    if limit is not None:
        told.write_text(limit)
    monkeypatch.setattr(building, "_LIMITS", (told,))
    read = Path.read_text

    def pretend(path: Path) -> str:
        if path.name == "meminfo":
            return f"MemTotal: 1 kB\nMemAvailable:   {8 * GIB >> 10} kB\n"
        return read(path)

    monkeypatch.setattr(Path, "read_text", pretend)

    assert available_bytes() == expected
