"""A server of moto with our corrections."""

import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.client import Config

from sandbox.processes import Server, Supervisor, free_port, listening


@pytest.fixture(scope="package")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL."""
    home, port = tmp_path_factory.mktemp("moto"), free_port()
    command = [sys.executable, "-m", "sandbox.emulators.moto", "--host", "127.0.0.1"]
    server = Server(
        name="moto",
        command=[*command, "--port", str(port)],
        port=port,
        ready=lambda: listening(port),
    )
    supervisor = Supervisor(home / "run", home / "logs")
    supervisor.start(server)
    supervisor.wait(server)
    yield f"http://127.0.0.1:{port}"
    supervisor.stop("moto")


@pytest.fixture(scope="package")
def s3(moto: str) -> Any:
    """A client of it."""
    untyped: Any = boto3  # its types are those of every service there is
    return untyped.client(
        "s3",
        endpoint_url=moto,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - opens nothing but this emulator
        config=Config(s3={"addressing_style": "path"}),
    )
