"""What could not be written alike into all files of a machine is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import DirectoryStore
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.host.host import Host
from tests.neonhub_backup.host.hosts import make_host


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: make_host(environment="my production"), "environment 'my production'"),
        (lambda: make_host(databases=["app", "50%"]), "databases.name '50%'"),
        (
            lambda: make_host(stores=[DirectoryStore(name="disk", path=Path("/mnt/my disk"))]),
            "stores.path '/mnt/my disk'",
        ),
        (lambda: make_host(directory=Path("/etc/a;b")), "DIR '/etc/a;b'"),
        (lambda: make_host(program=Path("/opt/$x/y")), "the path of the program '/opt/$x/y'"),
        (
            lambda: make_host(configuration_path=Path("/etc/a'b.yaml")),
            "the configuration's path \"/etc/a'b.yaml\"",
        ),
    ],
)
def test_what_would_need_quotes_is_refused(make: Callable[[], Host], field: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make()

    assert str(refused.value) == (
        f"{field} holds what shells, cron and systemd each read in their own way, so nothing was"
        " written: use letters, digits and / . _ @ + - only"
    )


def test_a_directory_that_cron_would_look_for_elsewhere_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"stores\.disk\.path backups is relative, so cron"
    ):
        make_host(stores=[DirectoryStore(name="disk", path=Path("backups"))])


def test_a_database_that_is_not_this_machine_s_may_be_called_as_it_likes() -> None:
    host = make_host(databases=["app", "50%"], database="app")

    assert [database.name for database in host.databases] == ["app"]
