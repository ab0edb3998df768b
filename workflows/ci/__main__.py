"""`python -m workflows.ci report|comment|issue`: what the workflows do with a preview."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from neonhub_backup.errors import BackupError
from neonhub_backup.github.api import marker, own_repository, run_page
from workflows.ci.github import keep_comment, keep_issue
from workflows.ci.preview import Verdict, read_preview
from workflows.ci.report import Report, never_started, report_of

_LABEL = "drift"


def main(arguments: list[str], environment: Mapping[str, str]) -> int:
    """Do what the arguments say; 0, or 1 with a sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "report":
                _report(options.stack, options.events, options.save)
            case "comment":
                _comment(options.stack, _saved(options.report), environment)
            case _:
                _issue(options.stack, _saved(options.report), environment)
    except KeyError as error:
        return _fail(f"{error.args[0]} is not in the environment, so GitHub cannot be written to")
    except (BackupError, OSError, ValueError) as error:
        return _fail(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workflows.ci", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="print what a log of events says, as Markdown")
    report.add_argument("--events", type=Path, required=True, help="what --event-log wrote")
    report.add_argument("--save", type=Path, required=True, help="file for the other commands")
    comment = commands.add_parser("comment", help="keep one comment on a pull request")
    issue = commands.add_parser("issue", help="keep one issue while a stack has drifted")
    for command in (comment, issue):
        command.add_argument("--report", type=Path, required=True, help="what `report` saved")
    for command in (report, comment, issue):
        command.add_argument("--stack", required=True)
    return parser


def _report(stack: str, events: Path, save: Path) -> None:
    if events.exists():
        with events.open(encoding="utf-8") as lines:
            report = report_of(stack, read_preview(lines))
    else:
        report = never_started(stack)
    save.write_text(report.to_json(), encoding="utf-8")
    print(report.markdown)


def _saved(path: Path) -> Report:
    return Report.from_json(path.read_text(encoding="utf-8"))


def _comment(stack: str, report: Report, environment: Mapping[str, str]) -> None:
    about = f"Commit {environment['COMMIT']}, [log of the run]({run_page(environment)})."
    keep_comment(
        own_repository(environment),
        int(environment["PULL_REQUEST"]),
        marker("preview", stack),
        f"{report.markdown}\n{about}\n",
    )


def _issue(stack: str, report: Report, environment: Mapping[str, str]) -> None:
    failed = report.verdict is Verdict.FAILED
    what = (
        "could not be compared with what really exists"
        if failed
        else "is not what really exists: someone changed it by hand, or a deployment is missing."
        " The next deployment puts it back; to keep a change, write it into the program"
    )
    log = f"[Log of the run]({run_page(environment)})."
    text = f"The stack `{stack}` {what}.\n\n{report.markdown}\n{log}\n"
    keep_issue(
        own_repository(environment),
        marker("drift", stack),
        title=f"{stack} could not be checked for drift" if failed else f"{stack} has drifted",
        label=_LABEL,
        text=None if report.verdict is Verdict.SAME else text,
    )


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], os.environ))
