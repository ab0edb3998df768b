"""Which release is fetched, and when it is believed."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from sandbox.engine import official


def release(place: Path) -> Path:
    packed = place / "pulumi-v3.250.0-linux-x64.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for name in ("pulumi/pulumi", "../../outside"):
            member = tarfile.TarInfo(name)
            member.size = 2
            archive.addfile(member, io.BytesIO(b"hi"))
    return packed


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("linux", "x86_64", "pulumi-v3.250.0-linux-x64.tar.gz"),
        ("linux", "aarch64", "pulumi-v3.250.0-linux-arm64.tar.gz"),
        ("darwin", "arm64", "pulumi-v3.250.0-darwin-arm64.tar.gz"),
        ("linux", "riscv64", None),
        ("freebsd14", "amd64", None),
    ],
)
def test_each_machine_gets_its_own_release_or_none(
    system: str, machine: str, name: str | None
) -> None:
    assert official.archive_name("v3.250.0", system, machine) == name


def test_a_release_with_its_published_checksum_is_genuine(tmp_path: Path) -> None:
    packed = release(tmp_path)
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()

    assert official.genuine(packed, f"{'0' * 64}  other.tar.gz\n{digest}  {packed.name}\n")


def test_a_release_with_another_files_checksum_is_not_genuine(tmp_path: Path) -> None:
    packed = release(tmp_path)
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()

    assert not official.genuine(packed, f"{digest}  other.tar.gz\n")


def test_an_altered_release_is_not_genuine(tmp_path: Path) -> None:
    packed = release(tmp_path)

    assert not official.genuine(packed, f"{'0' * 64}  {packed.name}\n")


def test_nothing_of_a_release_is_written_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()

    official.unpack(release(tmp_path), tmp_path / "deep" / "programs")

    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert written == [
        "deep",
        "deep/programs",
        "deep/programs/outside",
        "deep/programs/pulumi",
        "pulumi-v3.250.0-linux-x64.tar.gz",
    ]


def engine_on_path(
    monkeypatch: pytest.MonkeyPatch, place: Path, version: str, host: bytes | None
) -> Path | None:
    engine = place / "pulumi"
    engine.write_text(f"#!/bin/sh\necho {version}\n")
    engine.chmod(0o755)
    if host is not None:
        (place / "pulumi-language-python").write_bytes(host)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.defpath}")
    return official.on_path(place / "bin", "v3.250.0")


def test_an_official_engine_on_path_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert engine_on_path(monkeypatch, tmp_path, "v3.251.1", b"\x7fELF") == tmp_path


@pytest.mark.parametrize(
    ("version", "host"),
    [("v3.249.9", b"\x7fELF"), ("nonsense", b"\x7fELF"), ("v3.250.0", None), ("v3.250.0", b"#!/")],
)
def test_an_engine_that_is_older_or_has_no_official_host_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, host: bytes | None
) -> None:
    assert engine_on_path(monkeypatch, tmp_path, version, host) is None
