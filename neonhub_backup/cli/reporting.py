"""What `--github` adds: the result in the summary of the job, its outputs and its annotations."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from neonhub_backup.cli.messages import Failure
from neonhub_backup.github.job import Job, annotation, append, output, own_job

GITHUB = "--github"

_SENTENCE = 4_000
"""Characters of a failure that other jobs are given, in a variable of their environment."""


@dataclass
class _Report:
    """What is known of the command so far."""

    job: Job
    command: str = ""
    results: list[object] = field(default_factory=list[object])


class _Run:
    report: _Report | None = None


def begin(environment: Mapping[str, str]) -> None:
    """Keep what is reported from now on.

    Raises:
        ConfigurationError: this is no job of GitHub Actions.
    """
    _Run.report = _Report(own_job(environment))


def is_wanted() -> bool:
    """Whether somebody will read a summary."""
    return _Run.report is not None


def name_command(words: str) -> None:
    """Which command it is, once the command line is understood."""
    if _Run.report is not None:
        _Run.report.command = words


def keep(result: object) -> None:
    """Something for the summary."""
    if _Run.report is not None:
        _Run.report.results.append(result)


def tell(failure: Failure | None, *, as_json: bool) -> None:
    """Write down how the command ended, where GitHub looks for it.

    Raises:
        DeliveryError: a file of the job cannot be written.
    """
    if _Run.report is None:
        return
    from neonhub_backup.github.summary import summary  # noqa: PLC0415 - only --github needs it

    command, results, job = _Run.report.command, _Run.report.results, _Run.report.job
    for name, value in _outputs(results, failure).items():
        append(job.outputs, output(name, value))
    if failure is not None and not as_json:
        sys.stdout.write(annotation(f"neonhub-backup {command}".strip(), _sentence(failure)))
    append(job.summary, summary(command, results, failure))


def _outputs(results: list[object], failure: Failure | None) -> dict[str, str]:
    """What other steps and jobs are given."""
    from neonhub_backup.github.summary import BackupReport  # noqa: PLC0415 - as above

    outputs = {"outcome": "success" if failure is None else "failure"}
    if failure is not None:
        outputs["failure"] = _sentence(failure)
    for result in results:
        if isinstance(result, BackupReport) and result.first is not None:
            outputs |= {"backup": result.first.name, "tier": str(result.first.tier)}
    return outputs


def _sentence(failure: Failure) -> str:
    """The message, with the last of its notes where it announces them."""
    said = failure.message
    if said.endswith(":") and failure.notes:
        said = f"{said} {failure.notes[-1].strip()}"
    return said[:_SENTENCE]
