"""Servers of buckets for end-to-end tests: S3's protocol by moto, Google's by fake-gcs-server."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import requests

from sandbox.local import PROJECT
from sandbox.processes import Server, Supervisor, free_port, listening


@contextmanager
def moto_server(home: Path) -> Generator[str]:
    """The URL of a server of S3 with no bucket yet."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running("moto", command, port, home):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def gcs_server(home: Path) -> Generator[str]:
    """The URL of a server of Google Cloud Storage with no bucket yet."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(PROJECT / ".sandbox/bin/fake-gcs-server"),
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"),
        *("-public-host", f"127.0.0.1:{port}", "-external-url", url),
    ]
    with _running("fake-gcs", command, port, home):
        yield url


def create_gcs_bucket(url: str, name: str) -> None:
    """Create a bucket in a server of Google Cloud Storage."""
    requests.post(f"{url}/storage/v1/b", json={"name": name}, timeout=10).raise_for_status()


@contextmanager
def _running(name: str, command: list[str], port: int, home: Path) -> Generator[None]:
    supervisor = Supervisor(home / "run", home / "logs")
    server = Server(name=name, command=command, port=port, ready=lambda: listening(port))
    supervisor.start(server)
    try:
        supervisor.wait(server)
        yield
    finally:
        supervisor.stop(name)
