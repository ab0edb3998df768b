"""Telling a dead man's switch that all is well; left untold for too long, it tells people."""

import urllib.request
from collections.abc import Mapping

from neonhub_backup.delivery import deliver, secret_address
from neonhub_backup.errors import ConfigurationError

HEARTBEAT_VARIABLE = "NEONHUB_BACKUP_HEARTBEAT_URL"


def beat(variables: Mapping[str, str]) -> None:
    """Ask for the address of the switch, which is all that such services want.

    Raises:
        ConfigurationError: there is none, or what is sent there could be read on its way.
        DeliveryError: it did not answer, or refused.
    """
    address = secret_address(variables, HEARTBEAT_VARIABLE)
    if address is None:
        raise ConfigurationError(
            f"environment variable {HEARTBEAT_VARIABLE} is not set, so nobody was told that all is"
            " well: set it to the address that the dead man's switch wants to have asked for"
        )
    deliver(
        urllib.request.Request(address, headers={"User-Agent": "neonhub-backup"}),  # noqa: S310 - over HTTPS, as was seen to
        "the dead man's switch",
        "it will report that nothing is heard of the backups, though the run has succeeded: see"
        f" that {HEARTBEAT_VARIABLE} holds the address of a switch that exists",
    )
