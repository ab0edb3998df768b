"""What starts the scripts: services and timers of systemd, or lines for cron."""

from collections.abc import Sequence
from pathlib import Path

from neonhub_backup.host.host import Host
from neonhub_backup.host.jobs import Job

_HOMES = ("/home", "/root")


def service_unit(host: Host, job: Job) -> str:
    """A service that can write to the directory stores and to nothing else."""
    paths = [str(store.path) for store in host.directory_stores]
    writable = [f"ReadWritePaths={path}" for path in paths]
    mounted = [f"RequiresMountsFor={path}" for path in paths]
    return _lines(
        host.header,
        "[Unit]",
        f"Description={job.does}",
        "Wants=network-online.target",
        "After=network-online.target",
        *mounted,
        "",
        "[Service]",
        "Type=oneshot",
        f"User={job.user}",
        f"Group={job.user}",
        "# Read by systemd as root; the service itself cannot open it.",
        f"EnvironmentFile={host.secrets}",
        f"ExecStart={host.scripts / job.script}",
        "# A run that hangs must not keep all later ones from starting.",
        "TimeoutStartSec=6h",
        "UMask=0077",
        "",
        "# Read-only all but these, and a /tmp of its own.",
        "ProtectSystem=strict",
        *writable,
        f"ProtectHome={_homes(host)}",
        "PrivateTmp=true",
        "PrivateDevices=true",
        "",
        "NoNewPrivileges=true",
        "CapabilityBoundingSet=",
        "LockPersonality=true",
        "ProtectClock=true",
        "ProtectControlGroups=true",
        "ProtectHostname=true",
        "ProtectKernelLogs=true",
        "ProtectKernelModules=true",
        "ProtectKernelTunables=true",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "RestrictNamespaces=true",
        "RestrictRealtime=true",
        "RestrictSUIDSGID=true",
        "SystemCallArchitectures=native",
    )


def timer_unit(host: Host, job: Job) -> str:
    """A timer that makes up for what was missed while the machine was off."""
    return _lines(
        host.header,
        "[Unit]",
        f"Description={job.does}",
        "",
        "[Timer]",
        f"OnCalendar={job.slot.calendar}",
        "Persistent=true",
        "# Not all machines at once, but each at the same distance from one run to the next.",
        "RandomizedDelaySec=5min",
        "FixedRandomDelay=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    )


def crontab(host: Host, jobs: Sequence[Job]) -> str:
    """A file for /etc/cron.d, where there is no systemd."""
    return _lines(
        host.header,
        "# For /etc/cron.d: the sixth field is the user, who can read the secrets. cronie goes by",
        "# CRON_TZ; the cron of Debian and Ubuntu knows only the machine's own time.",
        "CRON_TZ=UTC",
        *(f"{job.slot.cron} root {host.scripts / job.script} >> {host.log} 2>&1" for job in jobs),
    )


def logrotate(host: Host) -> str:
    """A file for /etc/logrotate.d."""
    return _lines(
        host.header,
        f"{host.log} {{",
        "    weekly",
        "    rotate 12",
        "    compress",
        "    # A run that began before goes on writing into it.",
        "    delaycompress",
        "    missingok",
        "    notifempty",
        "    create 0640 root root",
        "}",
    )


def _homes(host: Host) -> str:
    """Hidden from the service, unless what it runs lies there."""
    needed = (host.directory, host.program, host.configuration_path)
    lies_there = any(path.is_relative_to(Path(home)) for path in needed for home in _HOMES)
    return "read-only" if lies_there else "true"


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"
