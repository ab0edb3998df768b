"""A connection string is read once, passed on by the environment, and its password never shown."""

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import pytest

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.postgres.connection import Target, connect, parse_url, quoted

URL = "postgresql://app:hunter2@db.example:5433/shop"


def test_a_url_is_read() -> None:
    target = parse_url(URL, "DATABASE_URL")

    assert (target.host, target.database) == ("db.example", "shop")


def test_the_other_form_of_a_connection_string_is_read_too() -> None:
    target = parse_url("host=/run/postgresql dbname='my shop' user=app", "DATABASE_URL")

    assert (target.host, target.database, target.is_local) == ("/run/postgresql", "my shop", True)


def test_encoded_characters_are_decoded() -> None:
    target = parse_url("postgresql://a%40b:p%2Fw%25@db/my%20shop", "DATABASE_URL")

    assert target.environment()["PGPASSWORD"] == "p/w%"
    assert target.environment()["PGUSER"] == "a@b"
    assert target.database == "my shop"


@pytest.mark.parametrize(
    ("url", "database"), [("postgresql://app@db", "app"), ("postgresql://db", "postgres")]
)
def test_a_database_without_a_name_is_the_user_s(url: str, database: str) -> None:
    assert parse_url(url, "DATABASE_URL").database == database


def test_what_a_target_says_of_itself_holds_no_password() -> None:
    target = parse_url(URL, "DATABASE_URL")

    assert str(target) == "shop on db.example:5433"
    assert repr(target) == "Target(shop on db.example:5433)"


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "postgresql://app:%hunter2@db/shop",
        "postgresql://app:hunter2@[db/shop",
        "host=db password='hunter2",
        "mysql://app:hunter2@db/shop",
    ],
)
def test_what_is_no_connection_string_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL is not a connection") as refused:
        parse_url(url, "DATABASE_URL")

    assert "hunter2" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:pre@hunter2@db/shop",
        "postgresql://app:pre/hunter2@db/shop",
        "postgres://app:12/hunter2@db:5432/shop?sslmode=require",
        "postgresql://app:pre@fix/hunter2@db/shop",
    ],
)
def test_a_password_that_would_be_taken_for_a_host_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError, match="%40") as refused:
        parse_url(url, "DATABASE_URL")

    assert "hunter2" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:p?w:#!@db/shop?sslmode=require",
        "postgresql:///shop?host=/run/postgresql&user=app",
        "postgresql://app@%2Frun%2Fpostgresql/shop",
        "host=db user=app password='a@b/c' dbname=shop",
        "postgresql://app@db1,db2:5433/shop?target_session_attrs=read-write",
    ],
)
def test_no_proper_connection_string_is_taken_for_a_misread_one(url: str) -> None:
    assert parse_url(url, "DATABASE_URL").database == "shop"


def test_neon_s_pooled_host_is_refused_with_the_name_of_the_direct_one() -> None:
    url = "postgresql://app:hunter2@ep-cool-sun-1-pooler.eu-central-1.aws.neon.tech/shop"

    with pytest.raises(
        ConfigurationError, match=r"use the direct host ep-cool-sun-1\.eu-central-1\.aws\.neon"
    ) as refused:
        parse_url(url, "COPY_URL")

    assert str(refused.value).startswith("COPY_URL names Neon's pooled host")
    assert "hunter2" not in str(refused.value)


def test_a_host_that_only_sounds_pooled_is_taken() -> None:
    assert parse_url("postgresql://app@my-pooler-2.example/shop", "X").host == "my-pooler-2.example"


def test_programs_reach_it_by_variables_alone() -> None:
    target = parse_url(f"{URL}?sslmode=verify-full&options=-c%20work_mem%3D1MB", "DATABASE_URL")

    environment = target.environment()

    assert environment == {
        "PGHOST": "db.example",
        "PGPORT": "5433",
        "PGUSER": "app",
        "PGPASSWORD": "hunter2",
        "PGDATABASE": "shop",
        "PGSSLMODE": "verify-full",
        "PGOPTIONS": "-c work_mem=1MB",
        "PGCONNECT_TIMEOUT": "15",
        "PGCLIENTENCODING": "UTF8",
    }


def test_a_database_without_a_name_is_named_to_programs() -> None:
    assert parse_url("postgresql://app@db", "X").environment()["PGDATABASE"] == "app"


def test_a_timeout_of_one_s_own_is_kept() -> None:
    target = parse_url(f"{URL}?connect_timeout=3", "X")

    assert target.environment()["PGCONNECT_TIMEOUT"] == "3"


def test_backups_are_in_utf8_whatever_the_connection_string_asks_for() -> None:
    target = parse_url(f"{URL}?client_encoding=LATIN1", "X")

    assert target.environment()["PGCLIENTENCODING"] == "UTF8"


def test_what_only_tunes_a_connection_is_left_out() -> None:
    tuned = parse_url(f"{URL}?keepalives=1&keepalives_idle=30&tcp_user_timeout=9000", "X")

    assert tuned.environment() == parse_url(URL, "X").environment()


def test_what_programs_take_only_on_their_command_line_is_refused() -> None:
    target = parse_url(f"{URL}?sslpassword=hunter3", "X")

    with pytest.raises(ConfigurationError, match="sets sslpassword, which psql") as refused:
        target.environment()

    assert "hunter3" not in str(refused.value)


def test_another_database_of_the_same_server_differs_in_nothing_else() -> None:
    target = parse_url(URL, "X")

    other = target.with_database("copy of shop")

    assert other.environment() == target.environment() | {"PGDATABASE": "copy of shop"}
    assert target.database == "shop"


@pytest.mark.parametrize(
    ("host", "local"),
    [("/tmp", True), ("localhost", True), ("127.0.0.1", True), ("db.example", False)],  # noqa: S108 - nothing is written there
)
def test_it_knows_whether_the_server_is_on_this_machine(host: str, local: bool) -> None:
    assert Target({"host": host}).is_local is local


def test_a_name_is_quoted_as_sql() -> None:
    assert quoted('a"b', "c.d") == '"a""b"."c.d"'


def test_an_interrupt_while_connecting_leaves_no_half_of_a_connection() -> None:
    class Interrupt(SystemExit):
        """As a signal raises it, anywhere."""

    def interrupt(*_: object) -> NoReturn:
        raise Interrupt

    def silent(server: socket.socket) -> socket.socket:
        """A server that answers nothing, and interrupts whoever waits for it."""
        accepted, _ = server.accept()
        accepted.recv(1)
        os.kill(os.getpid(), signal.SIGUSR1)
        return accepted

    former = signal.signal(signal.SIGUSR1, interrupt)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        accepting = pool.submit(silent, server)
        port = str(server.getsockname()[1])
        try:
            with pytest.raises(Interrupt) as interrupted:
                connect(Target({"host": "127.0.0.1", "port": port, "dbname": "x", "user": "x"}))
        finally:
            signal.signal(signal.SIGUSR1, former)
        with accepting.result() as accepted:
            accepted.settimeout(5)
            while accepted.recv(1000):
                pass
        # Whoever cleans up after it still holds the exception, and its frames.
        assert interrupted.tb is not None
