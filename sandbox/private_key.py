"""The key that opens the demo's backups, given to drills and restores in GitHub.

It does not pass through the stack: it is set by hand, as docs/workflows.md has people set it with
`gh secret set`.
"""

from sandbox import keys
from sandbox.local import Sandbox
from sandbox.providers.github.client import GitHub
from sandbox.providers.github.secrets import sealed_for
from sandbox.stack_file import STACK
from workflows.drill import PRIVATE_KEY
from workflows.environments import environment_name

_PURPOSES = ("drill", "restore")


def give(sandbox: Sandbox) -> str:
    """Store it in both environments; says in which."""
    where = sandbox.addresses
    owner, _, name = where.github_repository.partition("/")
    github = GitHub(base_url=where.github_url, token=where.github_token, owner=owner)
    environments = [environment_name(STACK, purpose) for purpose in _PURPOSES]
    text = keys.private_key(sandbox.keys).read_text()
    for environment in environments:
        scope = github.repository(name, "environments", environment, "secrets")
        public = github.get(f"{scope}/public-key")
        github.put(
            f"{scope}/{PRIVATE_KEY[0]}",
            {"encrypted_value": sealed_for(public["key"], text), "key_id": public["key_id"]},
        )
    return " and ".join(environments)
