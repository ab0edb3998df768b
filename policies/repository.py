"""Rules for what a stack puts into its GitHub repository."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

from neonhub_backup.encryption import PRIVATE_KEY_VARIABLE
from policies.buckets import LOCK
from policies.google import BUCKET as GCS_BUCKET
from policies.model import Findings, Resource, Rule, Stack, alone, get, listed, of_type

BRANCH = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
FILE = "github:index/repositoryFile:RepositoryFile"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"  # noqa: S105 - a type

_CONFIGURATIONS = ".neonhub-backup/"
_PULL_REQUESTS = "refs/pull/*/merge"
"""What runs for pull requests are on: GitHub gives each a number, so there is no exact name."""
_WORKFLOWS = ".github/workflows/"
_PINNED = re.compile(r"\./.*|[\w.-]+/[\w./-]+@[0-9a-f]{40}|docker://[^@]+@sha256:[0-9a-f]{64}")
_SECRETS = {
    "a connection string with its password": re.compile(r"\bpostgres(ql)?://[^\s:/@]+:[^\s@]+@"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a GitHub token": re.compile(r"\b(gh[opsur]_\w{36}|github_pat_\w{22,})"),
    "a Neon API key": re.compile(r"\bnapi_\w{40,}"),
    "a secret of the configuration": re.compile(r"^\[secret\]$"),
}


def _no_exceptions(environment: Resource) -> Findings:
    if environment.get("canAdminsBypass") is not False:
        yield "administrators may bypass it"
    if environment.get("deploymentBranchPolicy", "customBranchPolicies") is not True:
        yield "every branch may enter it"


def _exact_branch(branch: Resource, stack: Stack) -> Findings:
    pattern, environment = branch.get("branchPattern"), branch.get("environment")
    if pattern == _PULL_REQUESTS and environment.endswith("-preview"):
        secrets = of_type(stack, SECRET)
        held = [each for each in secrets if each.get("environment") == environment]
        for secret in held:
            yield f"every pull request reads {secret.get('secretName')}"
    elif not pattern or re.search(r"[*?\[]", pattern):
        yield f"its branches are {pattern}"


def _agreed(environment: Resource) -> Findings:
    if not any(
        listed(get(each, kind))
        for each in listed(environment.get("reviewers"))
        for kind in ("teams", "users")
    ):
        yield "nobody must agree to its runs"
    elif environment.get("preventSelfReview") is not True:
        yield "whoever starts a run may agree to it"


def _opens_the_locked(environment: Resource, stack: Stack) -> bool:
    """Whether its runs restore or change a store that binds even administrators."""
    locked = any(
        each.get("rule", "defaultRetention", "mode") == "COMPLIANCE"
        for each in of_type(stack, LOCK)
    ) or any(each.get("retentionPolicy", "isLocked") for each in of_type(stack, GCS_BUCKET))
    return locked and environment.get("environment").endswith(("-restore", "-deploy"))


def _where_it_decrypts(secret: Resource) -> Findings:
    name, environment = secret.get("secretName"), secret.get("environment")
    if name == PRIVATE_KEY_VARIABLE and not environment.endswith(("-drill", "-restore")):
        yield f"{environment} holds {name}"


def _is_configuration(file: Resource, _: Stack) -> bool:
    return (file.get("file") or "").startswith(_CONFIGURATIONS)


def _public_keys(file: Resource) -> Findings:
    keys = listed(get(yaml.safe_load(file.get("content")), "encryption", "public_keys"))
    if not keys:
        yield "it names no key, so backups would not be encrypted"
    for key in keys:
        if not str(key).startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----"):
            yield "it holds something else than a public key"


def _workflow(file: Resource) -> Any:
    """The workflow that a file holds; None when it holds something else."""
    written = file.get("content")
    return yaml.safe_load(written) if file.get("file").startswith(_WORKFLOWS) else None


def _pinned(file: Resource) -> Findings:
    for action in _values(_workflow(file), "uses"):
        if not isinstance(action, str) or not _PINNED.fullmatch(action):
            yield f"it uses {action}"


def _few_permissions(file: Resource) -> Findings:
    workflow = _workflow(file)
    if workflow is None:
        return
    if get(workflow, "permissions") != {}:
        yield "its jobs begin with permissions"
    for permissions in _values(get(workflow, "jobs"), "permissions"):
        if isinstance(permissions, str):
            yield f"a job has the permissions {permissions}"


def _values(value: Any, name: str) -> Iterator[Any]:
    """Everything that has a name, at any depth."""
    if isinstance(value, Mapping):
        for key, entry in cast("Mapping[Any, Any]", value).items():
            if key == name:
                yield entry
            yield from _values(entry, name)
    elif isinstance(value, list):
        for entry in listed(cast("Any", value)):
            yield from _values(entry, name)


def _no_secret(resource: Resource) -> Findings:
    if resource.type.startswith("pulumi:providers:"):
        # Credentials are what a provider is configured with; the engine shows a policy pack
        # sealed values and plain ones alike.
        return
    hidden = {"value", "plaintextValue"} if resource.type == SECRET else set[str]()
    for name, value in resource.inputs.items():
        if name not in hidden:
            for text in _texts(value):
                for what, pattern in _SECRETS.items():
                    if pattern.search(text):
                        yield f"{name} holds {what}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in cast("Mapping[Any, Any]", value).values():
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in cast("list[Any]", value):
            yield from _texts(entry)


RULES = (
    Rule(
        name="environment-has-no-exceptions",
        meaning="A run that nobody reviewed could read the secrets: forbid bypassing, and admit"
        " branches by name.",
        types=(ENVIRONMENT,),
        check=alone(_no_exceptions),
    ),
    Rule(
        name="environment-admits-exact-branches",
        meaning="Whoever may push a branch could name it so that its runs read the secrets: write"
        " the branch's whole name; refs/pull/*/merge is for the -preview environment, which may"
        " hold no secret.",
        types=(BRANCH,),
        check=_exact_branch,
        looks_around=True,
    ),
    Rule(
        name="locked-store-takes-two-people",
        meaning="One stolen account could read every backup, or deploy a stack that keeps none:"
        " name reviewers of the environment, and prevent that they review their own runs.",
        types=(ENVIRONMENT,),
        about=_opens_the_locked,
        check=alone(_agreed),
        looks_around=True,
    ),
    Rule(
        name="private-key-is-where-backups-are-read",
        meaning="Whoever steals the identity that backs up could read every backup: give the"
        " private key to the environments of drills and restores alone.",
        types=(SECRET,),
        check=alone(_where_it_decrypts),
    ),
    Rule(
        name="configuration-holds-public-keys",
        meaning="Whoever reads the repository could read every backup, or nothing encrypts them:"
        " list public keys alone in the committed configuration.",
        types=(FILE,),
        about=_is_configuration,
        check=alone(_public_keys),
    ),
    Rule(
        name="actions-are-pinned",
        meaning="Whoever moves the tag of an action would run in the workflow and see its secrets:"
        " pin it to the full SHA of a commit.",
        types=(FILE,),
        check=alone(_pinned),
    ),
    Rule(
        name="workflow-begins-without-permissions",
        meaning="A step could use GitHub's token for more than the job needs: set permissions: {}"
        " for the workflow, and list those of each job.",
        answers=("CKV2_GHA_1",),
        types=(FILE,),
        check=alone(_few_permissions),
    ),
    Rule(
        name="secrets-are-not-in-plain-inputs",
        meaning="Whoever reads the state, a preview or the repository has the secret: change it,"
        " set it with pulumi config set --secret, and give it to an environment's secret alone.",
        answers=("CKV_GIT_4",),
        types=(),
        check=alone(_no_secret),
    ),
)
