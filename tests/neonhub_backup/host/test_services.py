"""What starts the script can do no more than it must, and misses nothing for long."""

from collections import defaultdict
from pathlib import Path
from typing import Literal

import pytest

from neonhub_backup.domain.configuration import Archiving, DirectoryStore
from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.host.host import Host
from neonhub_backup.host.jobs import jobs
from neonhub_backup.host.services import crontab, logrotate, service_unit, timer_unit
from tests.neonhub_backup.host.hosts import BUCKET, DISK, make_host

Unit = dict[str, dict[str, list[str]]]


def _read(unit: str) -> Unit:
    """A unit's sections, and in them every value of each key; refuses what systemd would."""
    sections: Unit = {}
    section: dict[str, list[str]] = {}
    for line in unit.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), defaultdict(list))
            continue
        key, equals, value = line.partition("=")
        assert equals, line
        assert key.isalnum(), line
        section[key].append(value)
    return sections


def _service(host: Host, number: int = 0) -> str:
    return service_unit(host, jobs(host)[number])


def _timer(host: Host, number: int = 0) -> str:
    return timer_unit(host, jobs(host)[number])


def _crontab(host: Host) -> str:
    return crontab(host, jobs(host))


def test_the_service_runs_the_script_as_a_user_without_rights() -> None:
    service = _read(_service(make_host()))["Service"]

    assert service["ExecStart"] == ["/etc/neonhub-backup/scripts/backup-db.sh"]
    assert service["EnvironmentFile"] == ["/etc/neonhub-backup/backup.env"]
    assert service["User"] == ["neonhub-backup"]
    for key, value in (
        ("NoNewPrivileges", "true"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "true"),
        ("PrivateTmp", "true"),
        ("PrivateDevices", "true"),
    ):
        assert service[key] == [value]


def test_the_service_can_write_to_the_directory_stores_alone() -> None:
    other = DirectoryStore(name="offsite", path=Path("/mnt/offsite"))

    unit = _read(_service(make_host(stores=[DISK, BUCKET, other])))

    assert unit["Service"]["ReadWritePaths"] == ["/mnt/backup", "/mnt/offsite"]
    assert unit["Unit"]["RequiresMountsFor"] == ["/mnt/backup", "/mnt/offsite"]
    assert "ReadWritePaths" not in _read(_service(make_host(stores=[BUCKET])))["Service"]


@pytest.mark.parametrize(
    "host",
    [
        make_host(directory=Path("/root") / "backups"),
        make_host(program=Path("/home/me/venv/bin/neonhub-backup")),
        make_host(configuration_path=Path("/home/me/production.yaml")),
    ],
    ids=["directory", "program", "configuration"],
)
def test_homes_are_hidden_unless_what_runs_lies_there(host: Host) -> None:
    assert _read(_service(host))["Service"]["ProtectHome"] == ["read-only"]


def test_the_timer_makes_up_for_what_was_missed() -> None:
    unit = _read(_timer(make_host(retention=RetentionPolicy(hourly=None))))

    assert unit["Timer"]["OnCalendar"] == ["*-*-* 02:00:00 UTC"]
    assert unit["Timer"]["Persistent"] == ["true"]
    assert unit["Timer"]["FixedRandomDelay"] == ["true"]
    assert unit["Install"]["WantedBy"] == ["timers.target"]


def test_cron_starts_the_script_in_utc_and_keeps_what_it_says() -> None:
    file = _crontab(make_host(retention=RetentionPolicy(hourly=None)))

    zone, line = (each for each in file.splitlines() if each and not each.startswith("#"))
    assert zone == "CRON_TZ=UTC"
    assert line == (
        "0 2 * * * root /etc/neonhub-backup/scripts/backup-db.sh"
        " >> /var/log/neonhub-backup-production.log 2>&1"
    )


def test_the_log_of_cron_is_the_one_that_is_rotated() -> None:
    host = make_host(environment="staging")

    assert f"\n{host.log} {{\n" in logrotate(host)
    assert f" >> {host.log} 2>&1\n" in _crontab(host)


def test_what_concerns_wal_runs_as_the_user_of_the_server() -> None:
    host = make_host(archiving=Archiving(store="disk"))

    for number, script in ((1, "base-backup.sh"), (2, "check-wal.sh")):
        service = _read(_service(host, number))["Service"]
        assert service["ExecStart"] == [f"/etc/neonhub-backup/scripts/{script}"]
        assert service["User"] == service["Group"] == ["postgres"]
        assert service["ReadWritePaths"] == ["/mnt/backup"]


@pytest.mark.parametrize(
    ("how_often", "base"),
    [("daily", "*-*-* 01:00:00 UTC"), ("weekly", "Sun *-*-* 01:00:00 UTC")],
)
def test_base_backups_come_after_the_backups_and_wal_is_looked_at_every_hour(
    how_often: Literal["daily", "weekly"], base: str
) -> None:
    archiving = Archiving(store="disk", base_backups=how_often)
    host = make_host(archiving=archiving, retention=RetentionPolicy(hour_utc=23))

    assert _read(_timer(host, 1))["Timer"]["OnCalendar"] == [base]
    assert _read(_timer(host, 2))["Timer"]["OnCalendar"] == ["*-*-* *:30:00 UTC"]
    lines = _crontab(host).splitlines()[-2:]
    assert [" ".join(line.split()[:5]) for line in lines] == [
        {"daily": "0 1 * * *", "weekly": "0 1 * * 0"}[how_often],
        "30 * * * *",
    ]
