"""The sandbox ends well again after whatever happened to it, and touches nothing of others."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import boto3
import psycopg
import pytest

from sandbox.errors import SandboxError
from sandbox.processes import started
from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

SERVERS = ["postgres", "moto", "gcp", "github"]
PROGRAM = """\
import pathlib
import time

import pulumi
from pulumi_aws import s3

bucket = s3.Bucket("bucket", bucket="lifecycle")
pulumi.export("bucket", bucket.bucket)


def linger(name):
    pathlib.Path("made").write_text(name)
    while pathlib.Path("linger").exists():
        time.sleep(0.05)


bucket.id.apply(linger)
"""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Throwaway]:
    """A sandbox with a small program of its own; each test leaves it running."""
    throwaway = Throwaway.create(tmp_path_factory.mktemp("lifecycle"))
    (throwaway.project / "__main__.py").write_text(PROGRAM)
    try:
        yield throwaway
    finally:
        throwaway.stop()


def pid_of(local: Throwaway, server: str) -> int:
    return json.loads((local.home / "run" / f"{server}.json").read_text())["pid"]


def buckets(local: Throwaway) -> list[str]:
    s3 = boto3.client(  # pyright: ignore[reportUnknownMemberType] - stubs for four services only
        "s3",
        endpoint_url=local.moto_url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's
    )
    return [bucket.get("Name", "") for bucket in s3.list_buckets()["Buckets"]]


def test_what_runs_already_is_not_started_again(local: Throwaway) -> None:
    local.start()

    assert local.start() == []


@pytest.mark.parametrize("server", SERVERS)
def test_a_killed_server_comes_back_and_no_other_is_restarted(
    local: Throwaway, server: str
) -> None:
    local.start()

    os.kill(pid_of(local, server), signal.SIGKILL)

    assert local.start() == [server]


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_whose_record_was_lost_is_replaced(local: Throwaway, server: str) -> None:
    local.start()
    lost = pid_of(local, server)

    (local.home / "run" / f"{server}.json").unlink()

    assert local.start() == [server]
    assert started(lost) is None or pid_of(local, server) == lost


def test_the_demo_database_survives_a_restart(local: Throwaway) -> None:
    local.start()
    with psycopg.connect(local.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    local.stop()

    local.start()

    with psycopg.connect(local.database_url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_deployment_is_repeated_without_a_change(local: Throwaway) -> None:
    local.start()
    local.deploy()
    config = (local.project / f"Pulumi.{STACK}.yaml").read_text()

    assert local.deploy() == "2 unchanged"
    assert (local.project / f"Pulumi.{STACK}.yaml").read_text() == config
    assert buckets(local) == ["lifecycle"]


def test_a_deployment_is_whole_again_after_the_emulator_lost_its_memory(local: Throwaway) -> None:
    local.start()
    local.deploy()
    local.stop()
    local.start()
    assert buckets(local) == []

    local.deploy()

    assert buckets(local) == ["lifecycle"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_deployment_that_was_broken_off_is_completed_by_the_next(
    local: Throwaway, number: int
) -> None:
    local.start()
    local.start_over()
    (local.project / "linger").touch()
    (local.project / "made").unlink(missing_ok=True)
    local.pulumi("stack", "select", "--create", STACK)
    update = subprocess.Popen(
        [local.installation.bin / "pulumi", "up", "--yes", "--skip-preview", "--stack", STACK],
        cwd=local.project,
        env=local.process_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (local.project / "made").exists():
            time.sleep(0.05)
        update.send_signal(number)
        update.wait(timeout=30)
    finally:
        update.kill()
        (local.project / "linger").unlink()

    local.deploy()

    assert local.deploy() == "2 unchanged"
    assert buckets(local) == ["lifecycle"]


def test_an_update_at_work_elsewhere_is_not_disturbed(local: Throwaway) -> None:
    local.start()
    local.deploy()
    lock = local.home / "state/.pulumi/locks/organization/neonhub-backup/local/elsewhere.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(json.dumps({"pid": os.getpid()}))

    try:
        with pytest.raises(SandboxError, match=f"process {os.getpid()} is updating the stack"):
            local.deploy()
    finally:
        lock.unlink()


def test_a_port_taken_by_another_program_is_named_with_the_fix(local: Throwaway) -> None:
    local.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", local.addresses.gcs_port))
        other.listen()

        with pytest.raises(SandboxError, match=rf"{local.addresses.gcs_port}.*{os.getpid()}"):
            local.start()

        assert other.fileno() > 0
    local.start()


def test_stopping_ends_every_server_and_then_finds_none(local: Throwaway) -> None:
    local.start()
    pids = [pid_of(local, server) for server in SERVERS]

    assert local.stop() == sorted(SERVERS)
    assert [started(pid) for pid in pids] == [None] * 4
    assert local.stop() == []


def test_sourcing_the_environment_from_anywhere_gives_the_stack(local: Throwaway) -> None:
    local.start()
    local.deploy()
    env = local.home / "env.sh"

    done = subprocess.run(
        ["bash", "-euc", f". {env}; pulumi stack output bucket --stack {STACK} -C {local.project}"],
        cwd="/",
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("lifecycle\n", 0), done.stderr
