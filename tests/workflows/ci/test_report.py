"""What a report says, and what it never says."""

import pytest

from tests.workflows.ci.conftest import EVENTS
from tests.workflows.ci.test_preview import recorded
from workflows.ci.preview import Action, Change, Preview, Verdict, Violation
from workflows.ci.report import Report, never_started, report_of

GITHUB_TAKES = 65_536


def test_the_headline_counts_what_would_happen() -> None:
    report = report_of("prod", recorded("changed"))
    assert report.verdict is Verdict.CHANGED
    assert report.markdown.startswith(
        "### `pulumi preview` of `prod`: 2 to update, 10 unchanged\n\n"
    )


def test_a_change_is_a_row() -> None:
    row = (
        "| ~ update | `github:index/repositoryEnvironment:RepositoryEnvironment` | `backup`"
        " | `waitTimer` |\n"
    )
    assert row in report_of("prod", recorded("changed")).markdown


def test_no_value_of_a_property_is_shown() -> None:
    assert '"waitTimer": 20' in (EVENTS / "changed.jsonl").read_text()
    assert "20" not in report_of("prod", recorded("changed")).markdown


def test_a_failed_preview_shows_its_error() -> None:
    markdown = report_of("prod", recorded("failed")).markdown
    assert markdown == (
        "### `pulumi preview` of `prod`: failed\n\n~~~text\na setting is wrong\n~~~\n"
    )


def test_a_broken_rule_is_listed() -> None:
    assert (
        "- **mandatory** `workflow-begins-without-permissions` in `workflow`: `A step could"
        in report_of("prod", recorded("violation")).markdown
    )


def test_an_advice_is_not_called_mandatory() -> None:
    advice = Violation("a-rule", "a", "Consider it.", mandatory=False)
    preview = Preview(Verdict.SAME, violations=(advice,))
    assert "- advisory `a-rule` in `a`: `Consider it.`" in report_of("prod", preview).markdown


def test_an_engine_that_never_started_has_failed() -> None:
    report = never_started("prod")
    assert report.verdict is Verdict.FAILED
    assert "failed before it began" in report.markdown


def test_the_words_of_others_format_nothing() -> None:
    wild = Change(Action.UPDATE, "a:b:C", "`|\n@everyone", ("x`y",))
    preview = Preview(Verdict.CHANGED, (wild,), errors=("~~~\n@everyone",))
    markdown = report_of("prod", preview).markdown
    assert "| `'❘ @everyone` | `x'y` |" in markdown
    assert "~~~~text\n~~~\n@everyone\n~~~~" in markdown


def test_a_report_of_everything_fits_into_a_comment() -> None:
    long = "x" * 10_000
    preview = Preview(
        Verdict.FAILED,
        tuple(Change(Action.CREATE, long, long, (long,) * 50) for _ in range(1000)),
        violations=tuple(Violation(long, long, long, mandatory=True) for _ in range(1000)),
        errors=(long,) * 1000,
    )
    markdown = report_of("prod", preview).markdown
    assert len(markdown) < GITHUB_TAKES - 1000
    assert markdown.endswith("\n\nThe rest is in the log of the run.\n")


def test_a_report_survives_the_file_that_hands_it_over() -> None:
    report = report_of("prod", recorded("changed"))
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    "text",
    [
        '{"verdict": "same"}',
        '{"verdict": "fine", "markdown": ""}',
        '{"verdict": "same", "markdown": 1}',
        '{"verdict": "same", "markdown": "", "stack": "prod"}',
        "[]",
    ],
)
def test_what_is_not_a_report_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a report|is not a valid Verdict"):
        Report.from_json(text)
