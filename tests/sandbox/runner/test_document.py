"""What the runner reads out of a workflow file."""

import pytest

from sandbox.errors import SandboxError
from sandbox.runner.document import Use, parse


def job(text: str, permissions: str = "") -> str:
    """A workflow of one job."""
    return f"on: workflow_dispatch\n{permissions}\njobs:\n  one:\n    runs-on: ubuntu-24.04\n{text}"


def test_every_job_comes_after_what_it_needs() -> None:
    text = """
on: [workflow_dispatch]
jobs:
  c: {needs: [a, b]}
  a: {needs: b}
  b: {}
"""
    assert [each.key for each in parse("x.yml", text).jobs] == ["b", "a", "c"]


@pytest.mark.parametrize("jobs", ["{a: {needs: b}, b: {needs: a}}", "{a: {needs: missing}}"])
def test_jobs_that_can_never_start_are_refused(jobs: str) -> None:
    with pytest.raises(SandboxError, match=r"the jobs a.* of x\.yml need one another"):
        parse("x.yml", f"on: push\njobs: {jobs}")


@pytest.mark.parametrize(
    "environment", ["environment: drill", "environment: {name: drill, url: https://example.com}"]
)
def test_an_environment_may_be_written_in_both_ways(environment: str) -> None:
    (found,) = parse("x.yml", job(f"    {environment}")).jobs
    assert found.environment == "drill"


def test_an_environment_that_is_computed_is_refused() -> None:
    with pytest.raises(SandboxError, match=r"the job `one` computes its `environment`"):
        parse("x.yml", job("    environment: ${{ inputs.where }}"))


@pytest.mark.parametrize(
    ("own", "inherited", "expected"),
    [
        ("", "", False),
        ("    permissions: {id-token: write}", "", True),
        ("    permissions: {contents: read}", "", False),
        ("    permissions: write-all", "", True),
        ("", "permissions: {id-token: write}", True),
        ("    permissions: {}", "permissions: {id-token: write}", False),
    ],
)
def test_a_token_is_for_jobs_that_may_ask_for_one(own: str, inherited: str, expected: bool) -> None:
    (found,) = parse("x.yml", job(own, inherited)).jobs
    assert found.identifies is expected


def test_an_action_is_known_by_its_name_its_commit_and_what_it_is_given() -> None:
    steps = """
    steps:
      - run: "true"
      - uses: owner/name@0123abc
        with: {some-input: 1}
"""
    (found,) = parse("x.yml", job(steps)).jobs
    assert found.uses == (Use(action="owner/name", ref="0123abc", inputs=("some-input",)),)


def test_an_action_of_another_kind_is_refused() -> None:
    with pytest.raises(SandboxError, match=r"stands in for the action \./local"):
        parse("x.yml", job("    steps: [{uses: ./local}]"))
