"""What cannot be built, and so is in no workflow of ours."""

import pytest

from workflows.model import Action, Run


@pytest.mark.parametrize("commit", ["v4", "main", "de0fac2", "A" * 40])
def test_an_action_that_can_change_is_refused(commit: str) -> None:
    with pytest.raises(ValueError, match="full SHA of a commit"):
        Action("actions/checkout", commit, "v4")


def test_a_script_that_github_would_paste_values_into_is_refused() -> None:
    with pytest.raises(ValueError, match="a value could become a command; pass it by env"):
        Run(name="Greet", script='echo "${{ github.actor }}"')
