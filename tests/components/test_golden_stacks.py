"""What the committed copies of every stack's resources promise to whoever reviews a change."""

from pathlib import Path

import pytest

from tests.golden.registrations import SECRET, golden_registrations, registrations
from tests.golden.stacks import GOLDEN, STACKS

each_stack = pytest.mark.parametrize("stack", STACKS)


@each_stack
def test_the_golden_resources_are_up_to_date(stack: str, tmp_path: Path) -> None:
    for path, wanted in golden_registrations(stack, tmp_path).items():
        assert path.read_text(encoding="utf-8") == wanted, "run: make golden"


def test_there_are_no_golden_resources_of_a_stack_that_is_gone() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == {*STACKS}, "run: make golden"


@each_stack
def test_a_second_run_asks_for_the_same(stack: str, tmp_path: Path) -> None:
    assert golden_registrations(stack, tmp_path) == golden_registrations(stack, tmp_path)


@each_stack
def test_no_secret_is_shown(stack: str, tmp_path: Path) -> None:
    secrets = [each for each in registrations(stack, tmp_path) if "secretName" in each.inputs]

    on_neon = ["NEON_API_KEY", "NEON_API_KEY"] if stack == "prod" else []
    names = sorted(each.inputs["secretName"] for each in secrets)
    assert names == ["DATABASE_URL", "DATABASE_URL", *on_neon]
    assert {each.inputs["value"] for each in secrets} == {SECRET}


@each_stack
def test_every_resource_is_below_a_component(stack: str, tmp_path: Path) -> None:
    roots = {each.type for each in registrations(stack, tmp_path) if "parent" not in each.options}

    assert all(type_.startswith("neonhub-backup:") for type_ in roots)
