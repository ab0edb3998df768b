"""Temporary folders go, whoever else is tidying up in them."""

import shutil
from pathlib import Path

import pytest

from neonhub_backup.temporary import remove_folder


def test_a_folder_goes_although_a_file_in_it_went_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "home"
    (folder / "deep").mkdir(parents=True)
    (folder / "socket").touch()
    real = shutil.rmtree

    def raced(path: Path) -> None:
        monkeypatch.setattr(shutil, "rmtree", real)
        (path / "socket").unlink()
        raise FileNotFoundError(path / "socket")

    monkeypatch.setattr(shutil, "rmtree", raced)

    remove_folder(folder)

    assert not folder.exists()


def test_a_folder_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    remove_folder(tmp_path / "nowhere")
