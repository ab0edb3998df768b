"""Telling people what a watch has found."""

import json
import urllib.request
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neonhub_backup.alert import CHAT_VARIABLE
from neonhub_backup.delivery import deliver, secret_address
from neonhub_backup.errors import ConfigurationError, DeliveryError
from neonhub_backup.watch.findings import Verdict
from neonhub_backup.watch.status import Status

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_TOLD = 20
"""Findings that a message lists."""
_SUBJECT = 100
"""Characters that SNS takes. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


def headline(status: Status) -> str:
    """What is wrong, in one line without numbers that change from hour to hour."""
    if status.verdict is Verdict.WELL:
        return f"the backups of {status.environment} keep their promises"
    worst = [finding for finding in status.findings if finding.verdict is status.verdict]
    concerned = dict.fromkeys(
        " ".join(
            [
                finding.check,
                *([f"of {finding.database}"] if finding.database else []),
                *([f"in {finding.store}"] if finding.store else []),
            ]
        )
        for finding in worst
    )
    said = "do not keep their promises" if status.verdict is Verdict.BREACH else "need a look"
    return (
        f"the backups of {status.environment} {said}: {', '.join(concerned)}; do what `status`"
        " says of each"
    )


def message(status: Status) -> str:
    """The headline, and a line for each finding."""
    lines = [f"- {finding.verdict}: {finding.text}" for finding in status.findings[:_TOLD]]
    more = len(status.findings) - _TOLD
    return "\n".join([headline(status), *lines, *([f"- and {more} more"] if more > 0 else [])])


def tell_chat(status: Status, variables: Mapping[str, str]) -> None:
    """Write to the chat that takes messages as Slack does.

    Raises:
        ConfigurationError: its address is not there, or what is sent could be read on its way.
        DeliveryError: it did not answer, or refused.
    """
    address = secret_address(variables, CHAT_VARIABLE)
    if address is None:
        raise ConfigurationError(
            f"--chat is given and environment variable {CHAT_VARIABLE} is not set, so nobody was"
            " told: set it to the address of an incoming webhook"
        )
    # As text that mentions nobody, whatever tables are called.
    text = message(status).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    deliver(
        urllib.request.Request(  # noqa: S310 - over HTTPS, as was seen to
            address,
            method="POST",
            data=json.dumps({"text": text.replace("@", "@\u200b")}).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "neonhub-backup"},
        ),
        "the chat",
        f"it was not told what is wrong: see that {CHAT_VARIABLE} holds the address of an incoming"
        " webhook that exists",
    )


def tell_sns(status: Status, topic: str) -> None:
    """Publish to a topic of SNS, in the region that its ARN names.

    Raises:
        ConfigurationError: it is no ARN of a topic.
        DeliveryError: AWS refused, or could not be reached.
    """
    import boto3.session  # noqa: PLC0415 - a third of a second
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    parts = topic.split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns":
        raise ConfigurationError(
            f"--sns {topic} is not the ARN of a topic, so nobody was told: write it as"
            " arn:aws:sns:us-east-1:123456789012:name"
        )
    try:
        sns: SNSClient = boto3.session.Session(region_name=parts[3]).client("sns")  # pyright: ignore[reportUnknownMemberType] - of many services
        sns.publish(
            TopicArn=topic,
            Subject=f"Backups of {status.environment}: {status.verdict}"[:_SUBJECT],
            Message=message(status),
        )
    except (BotoCoreError, ClientError) as error:
        raise DeliveryError(
            f"{topic} was not told what is wrong ({error}): see that the topic exists and that the"
            " identity may do sns:Publish"
        ) from error
