"""The runner itself: workflows made for the purpose, with the real act and nothing but GitHub."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.runner.events import DISPATCH, SCHEDULE
from sandbox.runner.running import FAILURE, SUCCESS, run_workflow
from sandbox.throwaway import Throwaway
from tests.end_to_end.workflows.repository import Repository

CHECKOUT = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd"
SECRET = "a very secret word"  # noqa: S105 - to see that it stays secret

JOBS = f"""\
# A comment that must stay where it is.
name: Jobs
on:
  schedule:
    - cron: 7 2 * * *
  workflow_dispatch:
    inputs:
      outcome:
        type: choice
        options: [good, bad]
        default: good
      reason:
        required: true
permissions: {{}}
jobs:
  work:
    runs-on: ubuntu-24.04
    environment: one
    outputs:
      failure: ${{{{ steps.try.outputs.failure }}}}
    steps:
      - uses: {CHECKOUT}
        with:
          sparse-checkout: only/this
          sparse-checkout-cone-mode: false
          persist-credentials: false
      - id: try
        shell: bash
        env:
          OUTCOME: ${{{{ inputs.outcome || 'good' }}}}
          SECRET: ${{{{ secrets.WORD }}}}
        run: |
          set -euo pipefail
          test "${{SECRET}}" = "{SECRET}"
          test "$(find . -type f -not -path './.git/*')" = ./only/this
          echo "the word is ${{SECRET}}"
          echo "# It was ${{OUTCOME}}" >> "${{GITHUB_STEP_SUMMARY}}"
          if [[ "${{OUTCOME}}" == bad ]]; then
            echo "failure=it was bad" >> "${{GITHUB_OUTPUT}}"
            exit 3
          fi
      - name: Never after a failure
        shell: bash
        run: echo "went on" >> "${{GITHUB_STEP_SUMMARY}}"
  alert:
    needs: work
    if: ${{{{ always() && needs.work.result != 'success' }}}}
    runs-on: ubuntu-24.04
    environment: two
    steps:
      - shell: bash
        env:
          FAILURE: ${{{{ needs.work.outputs.failure }}}}
          RESULT: ${{{{ needs.work.result }}}}
          WORD: ${{{{ secrets.WORD }}}}
          WHERE: ${{{{ vars.WHERE }}}}
        run: |
          said="${{RESULT}}: ${{FAILURE}}; word [${{WORD}}]; ${{WHERE}}"
          echo "${{said}}" >> "${{GITHUB_STEP_SUMMARY}}"
          echo "run ${{GITHUB_RUN_ID}} of ${{GITHUB_REPOSITORY}} at ${{GITHUB_API_URL}}"
          test -z "$(ls -A)"
"""
ORDER = """\
name: Order
on: workflow_dispatch
jobs:
  last:
    needs: [first, second]
    runs-on: ubuntu-24.04
    steps: [{run: "true", shell: bash}]
  second:
    needs: first
    runs-on: ubuntu-24.04
    steps: [{run: "true", shell: bash}]
  first:
    runs-on: ubuntu-24.04
    steps: [{run: "false", shell: bash}]
"""
UNKNOWN = """\
name: Unknown
on: workflow_dispatch
jobs:
  work:
    runs-on: ubuntu-24.04
    steps:
      - run: touch /tmp/must-not-be-run
        shell: bash
      - uses: somebody/something@v1
"""
MISSPELT = f"""\
name: Misspelt
on: workflow_dispatch
jobs:
  work:
    runs-on: ubuntu-24.04
    steps:
      - uses: {CHECKOUT}
        with:
          presist-credentials: false
"""
NOBODY = """\
name: Nobody
on: workflow_dispatch
jobs:
  work:
    runs-on: ubuntu-24.04
    environment: three
    steps: [{run: "true", shell: bash}]
"""
ENDLESS = """\
name: Endless
on: workflow_dispatch
jobs:
  work:
    runs-on: ubuntu-24.04
    steps:
      - shell: bash
        run: sleep 86399
"""
ANONYMOUS = """\
name: Anonymous
on: workflow_dispatch
permissions: {}
jobs:
  work:
    runs-on: ubuntu-24.04
    steps:
      - uses: aws-actions/configure-aws-credentials@v6
        with: {role-to-assume: "arn:aws:iam::123456789012:role/any", aws-region: us-east-1}
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Throwaway]:
    throwaway = Throwaway.create(tmp_path_factory.mktemp("runner"))
    (github,) = (each for each in throwaway.servers() if each.name == "github")
    try:
        throwaway.supervisor.start(github)
        throwaway.supervisor.wait(github)
        repository = Repository(throwaway)
        repository.commit("only/this", "this\n")
        repository.commit("and/that", "that\n")
        for name, text in {
            "jobs": JOBS,
            "order": ORDER,
            "unknown": UNKNOWN,
            "misspelt": MISSPELT,
            "nobody": NOBODY,
            "anonymous": ANONYMOUS,
            "endless": ENDLESS,
        }.items():
            repository.commit(f".github/workflows/{name}.yml", text)
        repository.add_environment("one", {"WORD": SECRET}, {})
        repository.add_environment("two", {}, {"WHERE": "elsewhere"})
        yield throwaway
    finally:
        throwaway.stop()


def test_a_run_on_schedule_does_what_its_steps_say(sandbox: Throwaway) -> None:
    run = run_workflow(sandbox, "jobs.yml", event=SCHEDULE)

    assert run.result == SUCCESS, run.log
    assert run.jobs["work"].summary == "# It was good\n\nwent on\n"
    assert [step.result for step in run.jobs["work"].steps] == [SUCCESS] * 3
    assert run.jobs["alert"].result == "skipped"


def test_a_job_learns_how_the_one_before_it_ended_and_knows_no_secret_of_it(
    sandbox: Throwaway,
) -> None:
    run = run_workflow(sandbox, "jobs.yml", inputs={"outcome": "bad", "reason": "to see it fail"})

    assert run.result == FAILURE
    assert run.jobs["work"].outputs == {"failure": "it was bad"}
    assert run.jobs["work"].summary == "# It was bad\n"
    assert run.jobs["alert"].result == SUCCESS, run.log
    assert run.jobs["alert"].summary == "failure: it was bad; word []; elsewhere\n"
    assert f"run {run.number} of neonhub/neonhub at {sandbox.github_url[:-1]}" in run.log


def test_a_secret_does_not_appear_in_the_log(sandbox: Throwaway) -> None:
    run = run_workflow(sandbox, "jobs.yml", event=SCHEDULE)

    assert "the word is ***" in run.log
    assert SECRET not in run.log


def test_a_job_that_its_reviewers_reject_fails_without_a_step(sandbox: Throwaway) -> None:
    run = run_workflow(sandbox, "jobs.yml", event=SCHEDULE, review=lambda job: job != "work")

    assert run.jobs["work"].result == FAILURE
    assert run.jobs["work"].steps == ()
    assert run.jobs["alert"].result == SUCCESS, run.log


def test_jobs_run_after_what_they_need_and_not_at_all_if_that_failed(sandbox: Throwaway) -> None:
    run = run_workflow(sandbox, "order.yml")

    assert {key: job.result for key, job in run.jobs.items()} == {
        "first": FAILURE,
        "second": "skipped",
        "last": "skipped",
    }


def test_who_may_not_ask_for_a_token_gets_no_role(sandbox: Throwaway) -> None:
    run = run_workflow(sandbox, "anonymous.yml")

    assert run.result == FAILURE
    assert "id-token: write" in run.log


def test_a_workflow_that_is_disabled_is_not_started(sandbox: Throwaway) -> None:
    repository = Repository(sandbox)
    repository.ask("PUT", "actions/workflows/order.yml/disable")
    try:
        with pytest.raises(SandboxError, match=r"order\.yml is disabled"):
            run_workflow(sandbox, "order.yml")
    finally:
        repository.ask("PUT", "actions/workflows/order.yml/enable")


def test_an_interrupt_ends_what_a_step_has_started_and_leaves_nothing(
    sandbox: Throwaway, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sandbox.runner.running import run_workflow\n"
        "from sandbox.throwaway import Throwaway\n"
        "run_workflow(Throwaway(Path(sys.argv[1])), 'endless.yml')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, sandbox.project],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: sleeping(tmp_path) != [])
    assert list(tmp_path.iterdir()) != []

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=30) != 0
    wait_until(lambda: sleeping(tmp_path) == [])
    assert list(tmp_path.iterdir()) == []


def sleeping(below: Path) -> list[int]:
    """The sleeps whose working directory is somewhere below this place."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if command == b"sleep\086399\0" and (process / "cwd").readlink().is_relative_to(below):
                found.append(int(process.name))
        except OSError:
            continue  # Ended meanwhile, or another user's.
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    """It must come true within half a minute."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("workflow", "event", "inputs", "reason"),
    [
        ("jobs.yml", "push", {}, "does not start on `push`"),
        ("jobs.yml", DISPATCH, {}, "required input `reason` is missing"),
        ("jobs.yml", DISPATCH, {"reason": "x", "outcome": "ugly"}, "choose of good, bad"),
        ("jobs.yml", DISPATCH, {"reason": "x", "other": "y"}, "unexpected input `other`"),
        ("unknown.yml", DISPATCH, {}, "nothing stands in for the action somebody/something"),
        ("misspelt.yml", DISPATCH, {}, "does not know the input `presist-credentials`"),
        ("nobody.yml", DISPATCH, {}, "names the environment three, which"),
        ("absent.yml", DISPATCH, {}, "has no .github/workflows/absent.yml"),
    ],
)
def test_what_github_would_not_start_or_nothing_stands_in_for_is_refused(
    sandbox: Throwaway, workflow: str, event: str, inputs: dict[str, str], reason: str
) -> None:
    with pytest.raises(SandboxError, match=reason):
        run_workflow(sandbox, workflow, event=event, inputs=inputs)
