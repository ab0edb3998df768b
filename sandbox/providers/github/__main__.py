"""`python -m sandbox.providers.github ENGINE_ADDRESS`: what the engine starts as its plugin."""

from importlib.metadata import version

from sandbox.providers.github.provider import GitHubProvider
from sandbox.providers.server import main

main(GitHubProvider(), version("pulumi-github"))
