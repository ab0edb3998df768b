"""Commands are typed on a terminal, and what they ask is confirmed."""

import os
from pathlib import Path

from sandbox.gameday.terminal import typed

ENVIRONMENT = {"PATH": os.environ["PATH"], "NAME": "value"}
ASK = 'read -r -p "It is lost. Go on? [y/N]: " said; echo "said $said"'


def test_what_is_asked_is_confirmed_each_time(tmp_path: Path) -> None:
    code, shown = typed(f"{ASK}; {ASK}", "", ENVIRONMENT, tmp_path)

    assert code == 0
    assert shown.count("said y") == 2


def test_the_command_sees_a_terminal_and_what_was_set_before(tmp_path: Path) -> None:
    line = 'test -t 0 && test -t 2 && echo "$NAME $LATER"; pwd'

    code, shown = typed(line, "export LATER=too", ENVIRONMENT, tmp_path)

    assert code == 0
    assert shown.split() == ["value", "too", str(tmp_path)]


def test_a_failure_is_its_exit_code_with_what_was_shown(tmp_path: Path) -> None:
    code, shown = typed("echo wrong >&2; exit 8", "", ENVIRONMENT, tmp_path)

    assert (code, shown.strip()) == (8, "wrong")
