"""The page of a run gives the advice of docs/exit-codes.md."""

import re
from pathlib import Path

from neonhub_backup.github.advice import ADVICE

PAGE = Path(__file__).parents[3] / "docs" / "exit-codes.md"


def test_there_is_the_page_s_advice_on_every_code_that_is_a_failure() -> None:
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", PAGE.read_text(), re.MULTILINE)

    # The links of the page lead nowhere on the page of a run.
    said = {int(code): re.sub(r"\[([^]]+)\]\([^)]+\)", r"docs/\1", text) for code, text in rows}
    assert {code: text for code, text in said.items() if code != 0} == ADVICE
