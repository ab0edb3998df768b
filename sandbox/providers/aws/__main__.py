"""`python -m sandbox.providers.aws ENGINE_ADDRESS`: what the engine starts as its aws plugin."""

from importlib.metadata import version

from sandbox.providers.aws.provider import AwsProvider
from sandbox.providers.server import main

main(AwsProvider(), version("pulumi-aws"))
