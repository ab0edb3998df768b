"""The script backs up, validates and only then prunes; one run at a time, no secret shown."""

import fcntl
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import Archiving, Store
from neonhub_backup.host.files import host_files, write_files
from neonhub_backup.host.host import Host
from neonhub_backup.host.script import LOCKED, example_secrets
from tests.golden.hosts import HOST
from tests.neonhub_backup.host.hosts import BUCKET, DISK, make_host

URL = "postgresql://backup:p%27w@host/app?sslmode=require&application_name=x"


@dataclass
class Installed:
    """The script on a machine, with a program that keeps a record instead of backing up."""

    host: Host

    @property
    def calls(self) -> list[str]:
        """What the program was asked for, without the configuration."""
        record = self.host.directory / "record"
        start = f"--config {self.host.configuration_path} "
        lines = record.read_text().splitlines() if record.exists() else []
        assert all(line.startswith(start) for line in lines)
        return [line.removeprefix(start) for line in lines]

    def keep_secrets(self, text: str, mode: int = 0o600) -> None:
        """Write the file with the secrets."""
        self.host.secrets.write_text(text)
        self.host.secrets.chmod(mode)

    def script(self, name: str = "backup-db.sh") -> Path:
        """Where a script is."""
        return self.host.scripts / name

    def run(
        self, name: str = "backup-db.sh", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script as cron does."""
        return subprocess.run(
            [self.script(name)],
            cwd="/",
            env={"PATH": f"{self.host.directory}:/usr/bin:/bin", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _archiving(store: Store) -> Archiving:
    return Archiving(store=store.name)


def install(
    tmp_path: Path,
    *,
    stores: Sequence[Store] = (DISK,),
    failing: str = "",
    archiving: Archiving | None = None,
    runuser: bool = False,
) -> Installed:
    """Render the files; `failing` is the command that ends with exit code 4.

    With `runuser` there is one that stays who it is, since not every machine has the server's user.
    """
    place = tmp_path / "host"
    program = place / "neonhub-backup"
    host = make_host(stores=stores, directory=place, program=program, archiving=archiving)
    write_files(host_files(host), overwrite=False)
    if runuser:
        stand_in = place / "runuser"
        stand_in.write_text('#!/bin/sh\nshift 3\nexec "$@"\n')
        stand_in.chmod(0o755)
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >> {place}/record\n'
        f'echo "${{DATABASE_URL-unset}}" > {place}/seen\n'
        f'echo "${{NEONHUB_BACKUP_HEARTBEAT_URL-unset}}" > {place}/switch\n'
        f'[ "$3" != "{failing}" ] || exit 4\n'
    )
    program.chmod(0o755)
    return Installed(host)


def test_it_backs_up_validates_and_then_prunes(tmp_path: Path) -> None:
    machine = install(tmp_path)

    ended = machine.run()

    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.calls == ["backup", "validate", "prune --yes"]


def test_buckets_expire_by_themselves(tmp_path: Path) -> None:
    machine = install(tmp_path, stores=[BUCKET])

    machine.run()

    assert machine.calls == ["backup", "validate"]


@pytest.mark.parametrize(
    ("failing", "calls"), [("backup", ["backup"]), ("validate", ["backup", "validate"])]
)
def test_after_a_failure_nothing_is_pruned(tmp_path: Path, failing: str, calls: list[str]) -> None:
    machine = install(tmp_path, failing=failing)

    ended = machine.run()

    assert ended.returncode == 4
    assert "backup-db.sh: ended with exit code 4, and what follows was not done" in ended.stderr
    assert machine.calls == calls


def test_one_database_is_backed_up_and_validated_alone() -> None:
    host = make_host(databases=["app", "billing"], database="billing")
    script = host_files(host)[0].text

    assert '"${tool[@]}" backup --database billing\n' in script
    assert '"${tool[@]}" validate --database billing\n' in script


def test_a_dead_man_s_switch_hears_of_success_alone(tmp_path: Path) -> None:
    switch = {"NEONHUB_BACKUP_HEARTBEAT_URL": "https://switch.example/1"}
    well, ill = install(tmp_path / "1"), install(tmp_path / "2", failing="prune")

    well.run(**switch)
    ill.run(**switch)

    assert well.calls[-1] == "heartbeat"
    assert "heartbeat" not in ill.calls


def test_a_second_run_is_refused_while_one_is_at_work(tmp_path: Path) -> None:
    machine = install(tmp_path)

    with machine.script().open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = machine.run()

    assert refused.returncode == LOCKED
    assert "another run is still at work, so this one did nothing" in refused.stderr
    assert machine.calls == []
    assert machine.run().returncode == 0


@pytest.mark.parametrize("quote", ["'", ""])
def test_secrets_come_from_the_file_as_they_are(tmp_path: Path, quote: str) -> None:
    machine = install(tmp_path)
    machine.keep_secrets(f"# Of the database.\n\nDATABASE_URL={quote}{URL}{quote}")

    assert machine.run().returncode == 0

    assert (machine.host.directory / "seen").read_text().strip() == URL
    assert not any("postgresql" in call for call in machine.calls)


def test_what_the_file_holds_is_never_run(tmp_path: Path) -> None:
    machine = install(tmp_path)
    machine.keep_secrets(f"DATABASE_URL='$(touch {tmp_path}/run)`touch {tmp_path}/run`'\n")

    machine.run()

    assert not (tmp_path / "run").exists()
    assert (machine.host.directory / "seen").read_text().startswith("$(touch ")


@pytest.mark.parametrize(
    "line", ["DATABASE_URL", 'DATABASE_URL="x"', "export A=b", "A='it's'", r"A=a\b", "A=a b"]
)
def test_a_line_that_systemd_would_read_otherwise_is_refused_without_being_shown(
    tmp_path: Path, line: str
) -> None:
    machine = install(tmp_path)
    machine.keep_secrets(f"# A secret.\n{line}\n")

    refused = machine.run()

    assert refused.returncode == 2
    assert refused.stderr == (
        f"backup-db.sh: line 2 of {machine.host.secrets} is not NAME='value', so nothing was"
        " started: correct it\n"
    )
    assert machine.calls == []


def test_secrets_that_others_can_read_are_refused(tmp_path: Path) -> None:
    machine = install(tmp_path)
    machine.keep_secrets("DATABASE_URL=x\n", mode=0o640)

    refused = machine.run()

    assert refused.returncode == 2
    assert f"so nothing was started: chmod 600 {machine.host.secrets}\n" in refused.stderr
    assert machine.calls == []


def test_without_the_file_the_variables_are_those_of_the_service(tmp_path: Path) -> None:
    machine = install(tmp_path)

    machine.run(DATABASE_URL=URL)

    assert (machine.host.directory / "seen").read_text().strip() == URL


@pytest.mark.parametrize("stores", [[DISK, BUCKET], [BUCKET]], ids=["directory", "buckets"])
def test_linters_find_nothing_in_the_scripts(tmp_path: Path, stores: Sequence[Store]) -> None:
    machine = install(tmp_path, stores=stores, archiving=_archiving(stores[0]))
    scripts = sorted(machine.host.scripts.iterdir())
    shellcheck = Path(sys.executable).with_name("shellcheck")

    assert len(scripts) == 3
    for linter in (["bash", "-n"], [shellcheck, "--enable=all"]):
        found = subprocess.run([*linter, *scripts], capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("stores", "calls"),
    [
        ([DISK], ["base create --database app", "base prune --yes --database app"]),
        ([BUCKET], ["base create --database app"]),
    ],
    ids=["directory", "bucket"],
)
def test_a_base_backup_is_taken_before_older_ones_go(
    tmp_path: Path, stores: Sequence[Store], calls: list[str]
) -> None:
    machine = install(tmp_path, stores=stores, archiving=_archiving(stores[0]), runuser=True)

    ended = machine.run("base-backup.sh")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.calls == calls


def test_a_base_backup_that_fails_deletes_nothing(tmp_path: Path) -> None:
    machine = install(tmp_path, archiving=_archiving(DISK), failing="base", runuser=True)

    ended = machine.run("base-backup.sh")

    assert ended.returncode == 4
    assert "base-backup.sh: ended with exit code 4, and what follows was not done" in ended.stderr
    assert machine.calls == ["base create --database app"]


def test_a_switch_of_its_own_hears_that_wal_is_archived(tmp_path: Path) -> None:
    machine = install(tmp_path, archiving=_archiving(DISK), runuser=True)
    others = {"NEONHUB_BACKUP_HEARTBEAT_URL": "https://switch.example/1"}

    machine.run("check-wal.sh", **others)
    assert machine.calls == ["wal check --database app"]
    machine.run("check-wal.sh", NEONHUB_BACKUP_WAL_HEARTBEAT_URL="https://switch.example/2")

    assert machine.calls[-1] == "heartbeat"
    assert (machine.host.directory / "switch").read_text() == "https://switch.example/2\n"


def test_root_does_it_as_the_user_of_the_server(tmp_path: Path) -> None:
    machine = install(tmp_path, archiving=_archiving(DISK))
    text = machine.script("base-backup.sh").read_text()

    assert 'tool=(runuser --user postgres -- "${tool[@]}")\n' in text
    assert "runuser" not in machine.script().read_text()


def test_the_example_names_every_variable_and_no_value() -> None:
    names = [line for line in example_secrets(HOST).splitlines() if line.endswith("=")]

    assert names == [
        "DATABASE_URL=",
        "#AWS_ACCESS_KEY_ID=",
        "#AWS_SECRET_ACCESS_KEY=",
        "#GOOGLE_APPLICATION_CREDENTIALS=",
        "#NEONHUB_BACKUP_HEARTBEAT_URL=",
        "#NEONHUB_BACKUP_WAL_HEARTBEAT_URL=",
        "#NEONHUB_BACKUP_PG_BIN=",
    ]
    assert "GOOGLE" not in example_secrets(make_host())
    assert "AWS" not in example_secrets(make_host(stores=[DISK]))
    assert "WAL" not in example_secrets(make_host())


def test_the_example_can_be_filled_in_as_it_is(tmp_path: Path) -> None:
    machine = install(tmp_path)
    example = machine.host.directory / "backup.env.example"

    machine.keep_secrets(example.read_text().replace("DATABASE_URL=", f"DATABASE_URL='{URL}'"))

    assert machine.run().returncode == 0
    assert (machine.host.directory / "seen").read_text().strip() == URL
