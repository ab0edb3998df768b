"""Users, their policies, and their access keys: for those who cannot have a role."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import base64
import hashlib
import hmac
import json
from typing import Any, ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.documents import policy_text
from sandbox.providers.aws.handler import TAGS, AwsHandler, changed_tags
from sandbox.providers.aws.iam import names
from sandbox.providers.aws.wire import tag_list, tag_map
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import Naming, Schema, flag, text
from sandbox.providers.values import Props


class User(AwsHandler):
    """A user. Its id is its name."""

    token = "aws:iam/user:User"
    inputs: ClassVar[Schema] = {
        **TAGS,
        "name": text(replaces=True, identity=True, naming=Naming(max_length=64)),
        "path": text(default="/"),
        "permissionsBoundary": text(),
        "forceDestroy": flag(default=False, write_only=True),
    }
    outputs = ("arn", "uniqueId")
    volatile = ("arn",)

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the user."""
        boundary = wanted.get("permissionsBoundary")
        cloud.iam.create_user(
            UserName=wanted["name"],
            Path=wanted["path"],
            Tags=tag_list(wanted["tagsAll"]),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )
        return wanted["name"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The user."""
        user: Any = cloud.iam.get_user(UserName=resource_id)["User"]
        return {
            "name": resource_id,
            "arn": user["Arn"],
            "uniqueId": user["UserId"],
            "path": user["Path"],
            "permissionsBoundary": user.get("PermissionsBoundary", {}).get(
                "PermissionsBoundaryArn"
            ),
            "tagsAll": tag_map(user.get("Tags", [])),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set path, boundary and tags."""
        if old.get("path") != wanted["path"]:
            cloud.iam.update_user(UserName=resource_id, NewPath=wanted["path"])
        if "permissionsBoundary" in wanted:
            cloud.iam.put_user_permissions_boundary(
                UserName=resource_id, PermissionsBoundary=wanted["permissionsBoundary"]
            )
        elif "permissionsBoundary" in old:
            cloud.iam.delete_user_permissions_boundary(UserName=resource_id)
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.iam.untag_user(UserName=resource_id, TagKeys=removed)
        if added:
            cloud.iam.tag_user(UserName=resource_id, Tags=tag_list(added))

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:
        """Delete the user, its access keys only by forceDestroy; moto would not mind them."""
        found = cloud.iam.list_access_keys(UserName=resource_id)["AccessKeyMetadata"]
        for key in found:
            if not state.get("forceDestroy"):
                raise ProviderError(
                    f"DeleteConflict: user '{resource_id}' still has access keys: delete them "
                    "first, or deploy it with forceDestroy"
                )
            cloud.iam.delete_access_key(
                UserName=resource_id, AccessKeyId=key.get("AccessKeyId", "")
            )
        cloud.iam.delete_user(UserName=resource_id)


class UserPolicy(AwsHandler):
    """A policy that lives and ends with its user. Its id is `user:name`."""

    token = "aws:iam/userPolicy:UserPolicy"
    inputs: ClassVar[Schema] = {
        **names(128),
        "user": text(required=True, replaces=True, identity=True),
        "policy": policy_text(required=True),
    }

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Give it to the user."""
        self._put(cloud, wanted)
        return f"{wanted['user']}:{wanted['name']}"

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The policy."""
        user, _, name = resource_id.partition(":")
        found = cloud.iam.get_user_policy(UserName=user, PolicyName=name)
        return {"user": user, "name": name, "policy": json.dumps(found["PolicyDocument"])}

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Give it to the user again."""
        self._put(cloud, wanted)

    def _put(self, cloud: Aws, wanted: Props) -> None:
        cloud.iam.put_user_policy(
            UserName=wanted["user"], PolicyName=wanted["name"], PolicyDocument=wanted["policy"]
        )

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Take it from the user."""
        user, _, name = resource_id.partition(":")
        cloud.iam.delete_user_policy(UserName=user, PolicyName=name)


class UserPolicyAttachment(AwsHandler):
    """That a user has a shared policy. Its id is `user/arn`, as `pulumi import` wants it."""

    token = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
    inputs: ClassVar[Schema] = {
        "user": text(required=True, replaces=True, identity=True),
        "policyArn": text(required=True, replaces=True, identity=True),
    }

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Attach it."""
        cloud.iam.attach_user_policy(UserName=wanted["user"], PolicyArn=wanted["policyArn"])
        return f"{wanted['user']}/{wanted['policyArn']}"

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The two names, if one is still attached to the other."""
        user, _, arn = resource_id.partition("/")
        found = cloud.iam.get_paginator("list_attached_user_policies").paginate(UserName=user)
        attached = {each.get("PolicyArn") for page in found for each in page["AttachedPolicies"]}
        return {"user": user, "policyArn": arn} if arn in attached else None

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Detach it."""
        user, _, arn = resource_id.partition("/")
        cloud.iam.detach_user_policy(UserName=user, PolicyArn=arn)


class AccessKey(AwsHandler):
    """A password for programs. Its id is the public half.

    AWS tells the secret half once, when it makes the key, so an imported key has none.
    """

    token = "aws:iam/accessKey:AccessKey"
    inputs: ClassVar[Schema] = {
        "user": text(required=True, replaces=True),
        "status": text(default="Active", choices=("Active", "Inactive")),
    }
    outputs = ("createDate", "secret", "sesSmtpPasswordV4")
    secret_outputs = ("secret", "sesSmtpPasswordV4")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the key, and keep its secret half."""
        key = cloud.iam.create_access_key(UserName=wanted["user"])["AccessKey"]
        wanted["secret"] = key["SecretAccessKey"]
        return key["AccessKeyId"]

    def settle(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        """Turn it off if it is to be so: a new key is active."""
        if wanted["status"] != "Active":
            self._set_status(cloud, resource_id, wanted)

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:
        """The key, and the secret half if it was ever known."""
        found = cloud.iam.get_access_key_last_used(AccessKeyId=resource_id)
        user = found["UserName"]
        keys: Any = cloud.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
        for key in keys:
            if key["AccessKeyId"] == resource_id:
                secret = known.get("secret")
                return {
                    "user": user,
                    "status": key["Status"],
                    "createDate": key["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "secret": secret,
                    "sesSmtpPasswordV4": secret and ses_smtp_password(secret, cloud.region),
                }
        return None

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Turn it on or off."""
        if "secret" in old:
            wanted["secret"] = old["secret"]
        self._set_status(cloud, resource_id, wanted)

    def _set_status(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        cloud.iam.update_access_key(
            UserName=wanted["user"], AccessKeyId=resource_id, Status=wanted["status"]
        )

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:
        """Delete the key."""
        cloud.iam.delete_access_key(UserName=state["user"], AccessKeyId=resource_id)


def ses_smtp_password(secret: str, region: str) -> str:
    """What the mail service wants instead of a key's secret half.

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    """
    signature = f"AWS4{secret}".encode()
    for part in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.new(signature, part.encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x04" + signature).decode()


HANDLERS = [User(), UserPolicy(), UserPolicyAttachment(), AccessKey()]
