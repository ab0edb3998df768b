"""What a runner reads from a step's files and lines, no value can pretend to be more than it is."""

from pathlib import Path

import pytest

from neonhub_backup.errors import ConfigurationError, DeliveryError
from neonhub_backup.github.job import Job, annotation, append, output, own_job

WILD = "a\nbackup=other\nend\r\nfailure<<end"


def _read(written: str) -> dict[str, str]:
    """What the runner makes of a file of outputs."""
    lines = iter(written.split("\n"))
    found: dict[str, str] = {}
    for line in lines:
        before, _, after = line.partition("<<")
        if "=" in before:
            name, _, found[name] = line.partition("=")
        elif after:
            value: list[str] = []
            while (following := next(lines)) != after:
                value.append(following)
            found[before] = "\n".join(value)
    return found


@pytest.mark.parametrize("value", ["success", "", "a<<b", "100 %", WILD])
def test_an_output_is_one_value_whatever_it_holds(value: str) -> None:
    assert _read(output("failure", value)) == {"failure": value}


def test_a_simple_output_is_a_line() -> None:
    assert output("outcome", "success") == "outcome=success\n"


def test_no_two_outputs_end_alike() -> None:
    assert output("failure", "a\nb") != output("failure", "a\nb")


def test_an_annotation_is_one_line_with_one_title() -> None:
    written = annotation("a: b, c%", "50 %: one,\r\n::error::two")

    assert written == ("::error title=a%3A b%2C c%25::50 %25: one,%0D%0A::error::two\n")


def test_a_job_is_known_by_its_files() -> None:
    assert own_job({"GITHUB_STEP_SUMMARY": "/s", "GITHUB_OUTPUT": "/o"}) == Job(
        Path("/s"), Path("/o")
    )


@pytest.mark.parametrize("missing", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
def test_outside_of_a_job_nothing_is_done(missing: str) -> None:
    variables = {"GITHUB_STEP_SUMMARY": "/s", "GITHUB_OUTPUT": "/o"} | {missing: ""}

    with pytest.raises(ConfigurationError, match=r"one of the two is not set, so nothing was done"):
        own_job(variables)


def test_what_was_written_before_stays(tmp_path: Path) -> None:
    for text in ("one\n", "two ✓\n"):
        append(tmp_path / "file", text)

    assert (tmp_path / "file").read_text(encoding="utf-8") == "one\ntwo ✓\n"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"cannot be written \(Is a directory\).*done stands"):
        append(tmp_path, "text")
