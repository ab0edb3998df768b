"""What is pinned, and what makes something be installed anew."""

import importlib.metadata
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.installation import ENGINE_VERSION, PROJECT, GoProgram, required_version
from sandbox.venv import Environment


def program(module: Path, flags: str = "") -> GoProgram:
    return GoProgram(name="p", module=module, package="example.com/p", linker_flags=flags)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "go.mod").write_text("module m\n\nrequire example.com/p v1.2.3\n")
    (tmp_path / "go.sum").write_text("")
    return tmp_path


def test_the_engine_and_the_python_sdk_have_one_version() -> None:
    assert f"v{importlib.metadata.version('pulumi')}" == ENGINE_VERSION


def test_a_required_version_is_read_from_go_mod(module: Path) -> None:
    assert required_version(module, "example.com/p") == "v1.2.3"


def test_a_module_that_go_mod_lost_is_named(module: Path) -> None:
    with pytest.raises(SandboxError, match=r"does not require example\.com/other"):
        required_version(module, "example.com/other")


def test_a_changed_dependency_is_built_anew(module: Path) -> None:
    before = program(module).key

    (module / "go.sum").write_text("example.com/p v1.2.3 h1:other\n")

    assert program(module).key != before


def test_changed_linker_flags_are_built_anew(module: Path) -> None:
    assert program(module, "-s").key != program(module, "-w").key


def test_the_environment_is_made_anew_when_a_requirement_changes(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    requirements = tmp_path / "requirements" / "dev.txt"
    requirements.write_text("a==1\n")
    environment = Environment(tmp_path / "venv")
    before = environment.key(tmp_path)

    requirements.write_text("a==2\n")

    assert environment.key(tmp_path) != before


def test_the_environment_is_made_anew_when_the_clone_was_moved() -> None:
    here, there = Environment(Path("/here/venv")), Environment(Path("/there/venv"))

    assert here.key(PROJECT) != there.key(PROJECT)
