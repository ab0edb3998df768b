"""Run a workflow that the local stack committed, with `make up` running.

For example: `.venv/bin/python -m sandbox.runner db-backup-local.yml --input reason=trial`
"""

import argparse
import signal
import sys
from pathlib import Path

from sandbox.__main__ import INTERRUPTED
from sandbox.errors import SandboxError
from sandbox.local import Sandbox
from sandbox.runner import events
from sandbox.runner.running import SUCCESS, JobRun, Run, run_workflow
from sandbox.steps import fail


def main() -> int:
    """0 when the run succeeded; 1 when a job failed; 2 when it could not be started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.runner",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("workflow", help="its file's name, such as db-backup-local.yml")
    parser.add_argument(
        "--event", choices=[events.DISPATCH, events.SCHEDULE], default=events.DISPATCH
    )
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an input of the workflow; may be given again",
    )
    parser.add_argument(
        "--reject", action="append", default=[], metavar="JOB", help="as a reviewer"
    )
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="write there what the page of the run shows"
    )
    options = parser.parse_args()
    inputs: list[str] = options.input
    rejected: list[str] = options.reject
    sandbox = Sandbox()
    try:
        _require_servers(sandbox)
        run = run_workflow(
            sandbox,
            options.workflow,
            event=options.event,
            inputs=dict(_pair(each) for each in inputs),
            review=lambda job: job not in rejected,
        )
    except SandboxError as error:
        fail(error)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted: what the steps had started is ended.", file=sys.stderr)
        return INTERRUPTED
    print(run.log)
    print("\n".join(_lines(run)))
    if options.summary is not None:
        options.summary.write_text(run.summary)
    return 0 if run.result == SUCCESS else 1


def _require_servers(sandbox: Sandbox) -> None:
    ended = [each.name for each in sandbox.servers() if not sandbox.supervisor.running(each)]
    if ended:
        raise SandboxError(f"not all that `make up` starts is running ({', '.join(ended)}): run it")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise SandboxError(f"--input {text} has no value: write it as NAME=VALUE")
    return name, value


def _lines(run: Run) -> list[str]:
    lines: list[str] = []
    for job in run.jobs.values():
        lines.append(_line(job))
        lines += [f"    {step.seconds:7.1f} s  {step.result:<8} {step.name}" for step in job.steps]
    return lines


def _line(job: JobRun) -> str:
    return f"  {job.seconds:7.1f} s  {job.result:<8} job {job.key}"


if __name__ == "__main__":
    sys.exit(main())
