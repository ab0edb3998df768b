"""What a recovering server is told, whatever its own configuration says."""

from pathlib import Path

from neonhub_backup.archiving.server import needed_settings, settings

CONTROL = """\
pg_control version number:            1800
wal_level setting:                    replica
max_connections setting:              250
max_worker_processes setting:         8
max_wal_senders setting:              10
max_prepared_xacts setting:           5
max_locks_per_xact setting:           64
Data page checksum version:           1
"""


def test_it_is_reached_by_nobody_and_archives_nothing(tmp_path: Path) -> None:
    found = settings(
        tmp_path / "home", tmp_path / "data", tmp_path / "home" / "access", standby=False
    )

    assert found["listen_addresses"] == ""
    assert found["unix_socket_permissions"] == "0700"
    assert found["archive_command"] == ""
    assert found["primary_conninfo"] == ""


def test_it_uses_the_recovered_files_and_not_those_that_its_configuration_names(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    data.mkdir()

    assert settings(tmp_path, data, tmp_path / "access", standby=False)["config_file"] == str(
        tmp_path / "postgresql.conf"
    )
    (data / "postgresql.conf").touch()
    found = settings(tmp_path, data, tmp_path / "access", standby=True)
    assert "config_file" not in found
    assert found["data_directory"] == str(data)


def test_it_has_room_for_all_that_the_original_had() -> None:
    assert needed_settings(CONTROL) == {
        "max_connections": "250",
        "max_worker_processes": "8",
        "max_wal_senders": "10",
        "max_prepared_transactions": "5",
        "max_locks_per_transaction": "64",
    }
