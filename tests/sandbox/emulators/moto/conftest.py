"""A server of moto with our corrections."""

import sys
from collections.abc import Iterator

import pytest

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
