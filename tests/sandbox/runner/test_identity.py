"""How a run proves which one it is, and what Google Cloud makes of that."""

import base64
import json

import pytest

from components.gcp.federation import attribute_condition
from components.repository import Repository
from sandbox.runner.actions.expressions import evaluate
from sandbox.runner.actions.token import claims, token
from sandbox.runner.document import Document, Job

REPOSITORY = Repository(owner="neonhub", owner_id=1, name="neonhub", repository_id=2)
OTHER = Repository(owner="neonhub", owner_id=1, name="other", repository_id=3)
SUBJECT = 'assertion.repository_id + ":" + assertion.environment'


def certified(environment: str | None, repository: Repository = REPOSITORY) -> dict[str, str]:
    job = Job(
        key="one",
        label="ubuntu-24.04",
        needs=(),
        environment=environment,
        identifies=True,
        timeout_minutes=1,
        uses=(),
    )
    return claims(
        Document(path=".github/workflows/x.yml", events={}, jobs=(job,)),
        job,
        repository=repository.full_name,
        owner_id=repository.owner_id,
        repository_id=repository.repository_id,
        ref="refs/heads/main",
    )


def test_the_subject_is_the_one_that_roles_in_aws_trust() -> None:
    assert certified("production-backup")["sub"] in REPOSITORY.subjects("production-backup")


def test_a_job_without_an_environment_is_known_by_its_branch() -> None:
    assert certified(None)["sub"] == "repo:neonhub/neonhub:ref:refs/heads/main"


def test_a_token_says_for_whom_it_is_and_not_for_long() -> None:
    body = token(certified("drill"), "sts.amazonaws.com").split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert said["aud"] == "sts.amazonaws.com"
    assert said["exp"] - said["iat"] == 300


def test_a_provider_takes_runs_of_the_repositories_that_it_names() -> None:
    condition = attribute_condition([REPOSITORY])
    assert evaluate(condition, certified("drill")) is True
    assert evaluate(condition, certified("drill", OTHER)) is False
    assert evaluate(attribute_condition([REPOSITORY, OTHER]), certified("drill", OTHER)) is True
    assert evaluate(SUBJECT, certified("drill")) == "2:drill"


def test_a_run_without_an_environment_has_no_name_in_google_cloud() -> None:
    with pytest.raises(KeyError, match="environment"):
        evaluate(SUBJECT, certified(None))


@pytest.mark.parametrize("expression", ["assertion.ref.startsWith('x')", "exit()", '"a'])
def test_an_expression_that_is_not_known_is_not_guessed_at(expression: str) -> None:
    with pytest.raises(NotImplementedError):
        evaluate(expression, certified("drill"))
