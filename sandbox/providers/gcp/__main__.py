"""`python -m sandbox.providers.gcp ENGINE_ADDRESS`: what the engine starts as its gcp plugin."""

from importlib.metadata import version

from sandbox.providers.gcp.provider import GcpProvider
from sandbox.providers.server import main

main(GcpProvider(), version("pulumi-gcp"))
