"""What a program may look up."""

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.wire import tag_map
from sandbox.providers.framework import Function, ProviderError
from sandbox.providers.schema import text, text_map
from sandbox.providers.values import Props


def _caller_identity(cloud: Aws, _: Props) -> Props:
    who = cloud.sts.get_caller_identity()
    account = who["Account"]
    return {"accountId": account, "arn": who["Arn"], "userId": who["UserId"], "id": account}


def _partition(cloud: Aws, _: Props) -> Props:
    china = cloud.region.startswith("cn-")
    partition = "aws-cn" if china else "aws-us-gov" if "-gov-" in cloud.region else "aws"
    suffix = "amazonaws.com.cn" if china else "amazonaws.com"
    prefix = ".".join(reversed(suffix.split(".")))
    return {
        "partition": partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": prefix,
        "id": partition,
    }


def _region(cloud: Aws, _: Props) -> Props:
    region = cloud.region
    endpoint = f"ec2.{region}.amazonaws.com"
    return {"region": region, "name": region, "id": region, "endpoint": endpoint, "description": ""}


def _open_id_connect_provider(cloud: Aws, args: Props) -> Props:
    arn = args.get("arn") or _arn_of(cloud, args.get("url", ""))
    found = cloud.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    return {
        "arn": arn,
        "id": arn,
        "url": found["Url"],
        "clientIdLists": found["ClientIDList"],
        "thumbprintLists": found["ThumbprintList"],
        "tags": tag_map(found.get("Tags", [])),
    }


def _arn_of(cloud: Aws, url: str) -> str:
    host = url.removeprefix("https://")
    for each in cloud.iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = each.get("Arn", "")
        if host and arn.endswith(f":oidc-provider/{host}"):
            return arn
    raise ProviderError(f"there is no OpenID Connect provider for '{url}' in this account")


_ID = {"id": text()}

FUNCTIONS = [
    Function("aws:index/getCallerIdentity:getCallerIdentity", _caller_identity, _ID),
    Function("aws:index/getPartition:getPartition", _partition, _ID),
    Function("aws:index/getRegion:getRegion", _region, {**_ID, "region": text()}),
    Function(
        "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider",
        _open_id_connect_provider,
        {"arn": text(), "url": text(), "tags": text_map()},
    ),
]
