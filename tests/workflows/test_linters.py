"""What the linters find in the workflows of every combination of options: nothing."""

import subprocess
import sys
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from tests.golden.stacks import ROOT
from tests.workflows.reading import WORKFLOWS, arguments
from workflows.render import render

PROGRAMS = Path(sys.executable).parent
STORES: dict[str, dict[str, Any]] = {
    "both": {"aws": True, "gcp": True, "stores": ("aws", "gcp")},
    "aws": {"aws": True, "gcp": False, "stores": ("aws",)},
    "gcp": {"aws": False, "gcp": True, "stores": ("gcp",)},
}
KEYS = {"tokens": {"static_keys": False}, "keys": {"static_keys": True}}
TIERS = {
    tier.value: {
        "retention": RetentionPolicy.model_validate(dict.fromkeys(list(Tier)[:number], None))
    }
    for number, tier in enumerate(Tier)
}
EXTENT = {
    "least": {
        "databases": {"neonhub": "DATABASE_URL"},
        "rpo": timedelta(days=1),
        "heartbeat": False,
        "watch_heartbeat": False,
        "chat": False,
        "alarms_region": None,
    },
    "most": {
        "databases": {"neonhub": "DATABASE_URL", "analytics": "ANALYTICS_URL"},
        "rpo": timedelta(hours=1),
        "heartbeat": True,
        "watch_heartbeat": True,
        "chat": True,
        "alarms_region": "us-east-1",
    },
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the workflows of every combination, each of its own name."""
    root = tmp_path_factory.mktemp("repository")
    directory = root / ".github" / "workflows"
    directory.mkdir(parents=True)
    for chosen in product(STORES, KEYS, TIERS, EXTENT):
        stores, keys, tiers, extent = chosen
        args = arguments(**STORES[stores], **KEYS[keys], **TIERS[tiers], **EXTENT[extent])
        for name, build in WORKFLOWS.items():
            path = directory / f"{name}-{'-'.join(chosen)}.yml"
            path.write_text(render(build(args)), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "linter",
    [
        pytest.param(
            [ROOT / ".sandbox/bin/actionlint", "-shellcheck", PROGRAMS / "shellcheck"],
            id="actionlint with shellcheck",
        ),
        pytest.param(
            [PROGRAMS / "zizmor", "--offline", "--pedantic", "--quiet"], id="zizmor, pedantic"
        ),
        pytest.param(
            [PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
            id="GitHub's schema",
        ),
    ],
)
def test_a_linter_finds_nothing(repository: Path, linter: list[str | Path]) -> None:
    files = sorted((repository / ".github" / "workflows").iterdir())
    assert len(files) == len(WORKFLOWS) * 3 * 2 * 5 * 2
    found = subprocess.run(
        [*linter, *files], capture_output=True, text=True, check=False, cwd=repository
    )
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-4000:]


def test_the_linters_would_find_something(repository: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    text = next((repository / ".github" / "workflows").glob("backup-*")).read_text()
    bad.write_text(text.replace('--tier "${TIER}"', "--tier ${TIER}"))
    found = subprocess.run(
        [ROOT / ".sandbox/bin/actionlint", "-shellcheck", PROGRAMS / "shellcheck", bad],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "SC2086" in found.stdout
