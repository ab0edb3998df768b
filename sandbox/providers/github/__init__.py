"""The local GitHub provider: pulumi-github's resource types, over a GitHub's REST API."""
