"""The actions that workflows use, each pinned to the commit of a release.

A tag can be moved to other code; a commit cannot. The one place to raise a version: change the
commit and the version together, then regenerate the golden files.
"""

from workflows.model import Action

CHECKOUT = Action("actions/checkout", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2")
SETUP_PYTHON = Action("actions/setup-python", "a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0")
CONFIGURE_AWS_CREDENTIALS = Action(
    "aws-actions/configure-aws-credentials", "8df5847569e6427dd6c4fb1cf565c83acfa8afa7", "v6.0.0"
)

ALL = (CHECKOUT, SETUP_PYTHON, CONFIGURE_AWS_CREDENTIALS)
