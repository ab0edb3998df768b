"""What starts the script: a service and a timer of systemd, or a line for cron."""

from pathlib import Path

from neonhub_backup.domain.schedule import calendar_event, cron_expression
from neonhub_backup.host.host import USER, Host

_HOMES = ("/home", "/root")


def service_unit(host: Host) -> str:
    """A service that can write to the directory stores and to nothing else."""
    paths = [str(store.path) for store in host.directory_stores]
    writable = [f"ReadWritePaths={path}" for path in paths]
    mounted = [f"RequiresMountsFor={path}" for path in paths]
    return _lines(
        host.header,
        "[Unit]",
        f"Description=Back up {host.environment}",
        "Wants=network-online.target",
        "After=network-online.target",
        *mounted,
        "",
        "[Service]",
        "Type=oneshot",
        f"User={USER}",
        f"Group={USER}",
        "# Read by systemd as root; the service itself cannot open it.",
        f"EnvironmentFile={host.secrets}",
        f"ExecStart={host.script}",
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


def timer_unit(host: Host) -> str:
    """A timer that makes up for what was missed while the machine was off."""
    return _lines(
        host.header,
        "[Unit]",
        f"Description=Back up {host.environment} as often as its lowest tier asks",
        "",
        "[Timer]",
        f"OnCalendar={calendar_event(host.configuration.retention)}",
        "Persistent=true",
        "# Not all machines at once, but each at the same distance from one run to the next.",
        "RandomizedDelaySec=5min",
        "FixedRandomDelay=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    )


def crontab(host: Host) -> str:
    """A file for /etc/cron.d, where there is no systemd."""
    return _lines(
        host.header,
        "# For /etc/cron.d: the sixth field is the user, who can read the secrets. cronie goes by",
        "# CRON_TZ; the cron of Debian and Ubuntu knows only the machine's own time.",
        "CRON_TZ=UTC",
        f"{cron_expression(host.configuration.retention)} root {host.script} >> {host.log} 2>&1",
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
