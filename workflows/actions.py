"""The actions that workflows use, each pinned to the commit of a release.

A tag can be moved to other code; a commit cannot. The one place to raise a version: change the
commit and the version together, then regenerate the golden files.
"""

from workflows.model import Action

CHECKOUT = Action("actions/checkout", "de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2")
SETUP_PYTHON = Action("actions/setup-python", "a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0")
SETUP_GO = Action("actions/setup-go", "4b73464bb391d4059bd26b0524d20df3927bd417", "v6.3.0")
UPLOAD_ARTIFACT = Action(
    "actions/upload-artifact", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1"
)
DOWNLOAD_ARTIFACT = Action(
    "actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"
)
CONFIGURE_AWS_CREDENTIALS = Action(
    "aws-actions/configure-aws-credentials", "8df5847569e6427dd6c4fb1cf565c83acfa8afa7", "v6.0.0"
)
GOOGLE_AUTH = Action(
    "google-github-actions/auth", "7c6bc770dae815cd3e89ee6cdf493a5fab2cc093", "v3.0.0"
)
PULUMI = Action("pulumi/actions", "8e5e406f4007fca908480587cb9893c07090f58d", "v7.0.0")

ALL = (
    CHECKOUT,
    SETUP_PYTHON,
    SETUP_GO,
    UPLOAD_ARTIFACT,
    DOWNLOAD_ARTIFACT,
    CONFIGURE_AWS_CREDENTIALS,
    GOOGLE_AUTH,
    PULUMI,
)

PYTHON_VERSION = "3.12"
GO_VERSION = "1.26"
PULUMI_VERSION = "3.250.0"
"""The engine of the Python SDK that requirements/deploy.txt pins; a test holds them together."""
