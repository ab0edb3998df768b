"""The scripts, and the example of the file with their secrets."""

from collections.abc import Iterator

from neonhub_backup.host.host import USER, Host
from neonhub_backup.host.jobs import Job

LOCKED = 75
"""Exit code of a run that found another one at work; BSD's EX_TEMPFAIL."""

_BODY = f"""\
say() {{ printf '%s: %s\\n' "${{BASH_SOURCE[0]##*/}}" "$1" >&2; }}

# The lock is on this file itself: whoever runs it can lock it, and it ends with the run.
exec {{lock}}<"${{BASH_SOURCE[0]}}"
if ! flock --nonblock "${{lock}}"; then
  say "another run is still at work, so this one did nothing: let that end, or end it if it hangs"
  exit {LOCKED}
fi

# systemd has read the file as root and hands on what is in it; for cron it is read here, never
# run. Both read the same: names, and values in single quotes or without anything to quote.
assignment="^([A-Z_][A-Z0-9_]*)=('([^']*)'|([^'\\"\\\\[:space:]]*))\\$"
if [[ -r "${{secrets}}" ]]; then
  open="$(find "${{secrets}}" -perm /077)"
  if [[ -n "${{open}}" ]]; then
    say "others than its owner may use ${{secrets}}, so nothing was started: chmod 600 ${{secrets}}"
    exit 2
  fi
  number=0
  while IFS= read -r line || [[ -n "${{line}}" ]]; do
    number=$((number + 1))
    if [[ -z "${{line}}" || "${{line}}" == '#'* ]]; then
      continue
    fi
    if ! [[ "${{line}}" =~ ${{assignment}} ]]; then
      say "line ${{number}} of ${{secrets}} is not NAME='value', so nothing was started: correct it"
      exit 2
    fi
    export "${{BASH_REMATCH[1]}}=${{BASH_REMATCH[3]}}${{BASH_REMATCH[4]}}"
  done <"${{secrets}}"
fi

# A step that fails ends the run with its exit code: after a failed backup nothing is deleted.
trap 'say "ended with exit code $?, and what follows was not done: see the messages above"' ERR
"""

_AS = """\
# cron runs this as root, and the server's files are those of its own user.
if [[ "${{EUID}}" -eq 0 ]]; then
  cd /
  tool=(runuser --user {user} -- "${{tool[@]}}")
fi

"""


def script(host: Host, job: Job) -> str:
    """What a job runs: one at a time, with its secrets, step by step."""
    other = "" if job.user == USER else _AS.format(user=job.user)
    return (
        f"#!/usr/bin/env bash\n{host.header}#\n# {job.why}\n#\n"
        "# Exit codes are those of the tool (docs/exit-codes.md in its repository), and"
        f" {LOCKED} when\n# another run is at work.\n"
        "set -euo pipefail\numask 077\n\n"
        f"tool=({host.program} --config {host.configuration_path})\n"
        f"secrets={host.secrets}\n\n"
        f"{_BODY}\n{other}{job.steps}"
    )


def example_secrets(host: Host) -> str:
    """The names of the variables that the scripts may need."""
    return (
        f"{host.header}#\n"
        f"# Copy it to {host.secrets.name} beside it, for root alone:\n"
        f"#   install --mode=600 {host.secrets}.example {host.secrets}\n"
        "# One NAME='value' a line, in single quotes. The private key has no place on this"
        " machine.\n" + "".join(_variables(host))
    )


def _variables(host: Host) -> Iterator[str]:
    for database in host.databases:
        yield f"\n# Connection string of database {database.name}.\n{database.url_variable}=\n"
    kinds = {store.kind for store in host.configuration.stores}
    if "s3" in kinds:
        yield "\n# Unless the machine has a role in AWS:\n#AWS_ACCESS_KEY_ID=\n"
        yield "#AWS_SECRET_ACCESS_KEY=\n"
    if "gcs" in kinds:
        yield "\n# Path of Google's credentials, unless the machine has a service account:\n"
        yield "#GOOGLE_APPLICATION_CREDENTIALS=\n"
    yield "\n# Address of a dead man's switch, which is told of every run that has succeeded.\n"
    yield "#NEONHUB_BACKUP_HEARTBEAT_URL=\n"
    if host.archived is not None:
        yield "\n# Address of another one, which is told whenever WAL is archived without a gap.\n"
        yield "#NEONHUB_BACKUP_WAL_HEARTBEAT_URL=\n"
    yield "\n# Directory of PostgreSQL's programs, unless they are where Debian or PATH has them.\n"
    yield "#NEONHUB_BACKUP_PG_BIN=\n"
