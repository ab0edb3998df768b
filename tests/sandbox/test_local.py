"""What a sandbox exports, and what it says about a deployment."""

import subprocess

from sandbox.local import shell_exports, summary


def shell(environment: dict[str, str], before: str, question: str) -> str:
    script = f"{before}\n{shell_exports(environment)}{question}"
    return subprocess.run(
        ["bash", "-euc", script], capture_output=True, text=True, check=True, env={"PATH": "/bin"}
    ).stdout


def test_values_reach_the_shell_as_they_are() -> None:
    value = 'it\'s $HOME; `date` "x"'

    assert shell({"WORD": value}, "", 'printf %s "$WORD"') == value


def test_a_search_path_is_put_before_the_users_own() -> None:
    assert shell({"PATH": "/a b:/c"}, "", 'printf %s "$PATH"') == "/a b:/c:/bin"


def test_a_variable_that_was_empty_gets_no_stray_separator() -> None:
    assert shell({"NO_PROXY": "127.0.0.1"}, "", 'printf %s "$NO_PROXY"') == "127.0.0.1"


def test_a_users_own_credentials_do_not_mix_with_the_sandboxs() -> None:
    assert shell({}, "export AWS_PROFILE=mine", 'printf %s "${AWS_PROFILE-none}"') == "none"


def test_the_engines_counts_fit_in_one_line() -> None:
    said = "Outputs:\n    a: 1\n\nResources:\n    + 12 created\n    3 unchanged\n\nDuration: 4s\n"

    assert summary(said) == "12 created, 3 unchanged"
