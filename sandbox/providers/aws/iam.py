"""Roles, their policies, and identity providers."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import json
from typing import Any, ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.documents import policy_text
from sandbox.providers.aws.handler import TAGS, AwsHandler, changed_tags
from sandbox.providers.aws.wire import tag_list, tag_map
from sandbox.providers.schema import Naming, Prop, Schema, flag, number, text, texts
from sandbox.providers.values import Props


def names(max_length: int) -> Schema:
    """A name, which is made from the resource's own or from a prefix if it is not given."""
    naming = Naming(max_length=max_length, prefix_from="namePrefix")
    return {
        "name": text(replaces=True, identity=True, naming=naming),
        "namePrefix": text(replaces=True, write_only=True),
    }


def _path() -> Prop:
    return text(default="/", replaces=True)


class OpenIdConnectProvider(AwsHandler):
    """Someone outside whose tokens the account believes. Its id is its ARN."""

    token = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    inputs: ClassVar[Schema] = {
        **TAGS,
        "url": text(
            required=True,
            replaces=True,
            identity=True,
            same=lambda url: url.removeprefix("https://"),
        ),
        "clientIdLists": texts(required=True),
        "thumbprintLists": texts(computed=True),
    }
    outputs = ("arn",)

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the provider."""
        made = cloud.iam.create_open_id_connect_provider(
            Url=wanted["url"],
            ClientIDList=wanted["clientIdLists"],
            ThumbprintList=wanted.get("thumbprintLists", []),
            Tags=_tags(wanted),
        )
        return made["OpenIDConnectProviderArn"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The provider."""
        found = cloud.iam.get_open_id_connect_provider(OpenIDConnectProviderArn=resource_id)
        return {
            "arn": resource_id,
            "url": found["Url"],
            "clientIdLists": found["ClientIDList"],
            "thumbprintLists": found["ThumbprintList"],
            "tagsAll": tag_map(found.get("Tags", [])),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set thumbprints, audiences and tags."""
        arn: Any = {"OpenIDConnectProviderArn": resource_id}
        if "thumbprintLists" in wanted:
            cloud.iam.update_open_id_connect_provider_thumbprint(
                ThumbprintList=wanted["thumbprintLists"], **arn
            )
        before, after = set(old.get("clientIdLists", [])), set(wanted["clientIdLists"])
        for audience in sorted(after - before):
            cloud.iam.add_client_id_to_open_id_connect_provider(ClientID=audience, **arn)
        for audience in sorted(before - after):
            cloud.iam.remove_client_id_from_open_id_connect_provider(ClientID=audience, **arn)
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.iam.untag_open_id_connect_provider(TagKeys=removed, **arn)
        if added:
            cloud.iam.tag_open_id_connect_provider(Tags=tag_list(added), **arn)

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the provider."""
        cloud.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=resource_id)


class Role(AwsHandler):
    """A role. Its id is its name. Policies inside it are resources of their own."""

    token = "aws:iam/role:Role"
    inputs: ClassVar[Schema] = {
        **TAGS,
        **names(64),
        "path": _path(),
        "assumeRolePolicy": policy_text(required=True),
        "description": text(),
        "maxSessionDuration": number(default=3600),
        "permissionsBoundary": text(),
        "forceDetachPolicies": flag(default=False, write_only=True),
    }
    outputs = ("arn", "createDate", "uniqueId")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the role."""
        optional = {"Description": "description", "PermissionsBoundary": "permissionsBoundary"}
        asked = {name: wanted[key] for name, key in optional.items() if key in wanted}
        cloud.iam.create_role(
            RoleName=wanted["name"],
            Path=wanted["path"],
            AssumeRolePolicyDocument=wanted["assumeRolePolicy"],
            MaxSessionDuration=wanted["maxSessionDuration"],
            Tags=_tags(wanted),
            **asked,
        )
        return wanted["name"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The role."""
        role: Any = cloud.iam.get_role(RoleName=resource_id)["Role"]
        return {
            "name": resource_id,
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "path": role["Path"],
            "assumeRolePolicy": json.dumps(role["AssumeRolePolicyDocument"]),
            "description": role.get("Description"),
            "maxSessionDuration": role.get("MaxSessionDuration"),
            "permissionsBoundary": role.get("PermissionsBoundary", {}).get(
                "PermissionsBoundaryArn"
            ),
            "tagsAll": tag_map(role.get("Tags", [])),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set trust, description, session length, boundary and tags."""
        cloud.iam.update_assume_role_policy(
            RoleName=resource_id, PolicyDocument=wanted["assumeRolePolicy"]
        )
        cloud.iam.update_role(
            RoleName=resource_id,
            Description=wanted.get("description", ""),
            MaxSessionDuration=wanted["maxSessionDuration"],
        )
        if "permissionsBoundary" in wanted:
            cloud.iam.put_role_permissions_boundary(
                RoleName=resource_id, PermissionsBoundary=wanted["permissionsBoundary"]
            )
        elif "permissionsBoundary" in old:
            cloud.iam.delete_role_permissions_boundary(RoleName=resource_id)
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.iam.untag_role(RoleName=resource_id, TagKeys=removed)
        if added:
            cloud.iam.tag_role(RoleName=resource_id, Tags=tag_list(added))

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:
        """Delete the role, with what hangs on it only by forceDetachPolicies."""
        if state.get("forceDetachPolicies"):
            attached = cloud.iam.list_attached_role_policies(RoleName=resource_id)
            for policy in attached["AttachedPolicies"]:
                cloud.iam.detach_role_policy(
                    RoleName=resource_id, PolicyArn=policy.get("PolicyArn", "")
                )
            for name in cloud.iam.list_role_policies(RoleName=resource_id)["PolicyNames"]:
                cloud.iam.delete_role_policy(RoleName=resource_id, PolicyName=name)
        cloud.iam.delete_role(RoleName=resource_id)


class RolePolicy(AwsHandler):
    """A policy that lives and ends with its role. Its id is `role:name`."""

    token = "aws:iam/rolePolicy:RolePolicy"
    inputs: ClassVar[Schema] = {
        **names(128),
        "role": text(required=True, replaces=True, identity=True),
        "policy": policy_text(required=True),
    }

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Put it into the role."""
        self._put(cloud, wanted)
        return f"{wanted['role']}:{wanted['name']}"

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The policy."""
        role, _, name = resource_id.partition(":")
        found = cloud.iam.get_role_policy(RoleName=role, PolicyName=name)
        return {"role": role, "name": name, "policy": json.dumps(found["PolicyDocument"])}

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Put it into the role again."""
        self._put(cloud, wanted)

    def _put(self, cloud: Aws, wanted: Props) -> None:
        cloud.iam.put_role_policy(
            RoleName=wanted["role"], PolicyName=wanted["name"], PolicyDocument=wanted["policy"]
        )

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Take it out of the role."""
        role, _, name = resource_id.partition(":")
        cloud.iam.delete_role_policy(RoleName=role, PolicyName=name)


_MOST_VERSIONS = 5


class Policy(AwsHandler):
    """A policy that several roles may share. Its id is its ARN."""

    token = "aws:iam/policy:Policy"
    inputs: ClassVar[Schema] = {
        **TAGS,
        **names(128),
        "path": _path(),
        "description": text(replaces=True),
        "policy": policy_text(required=True),
    }
    outputs = ("arn", "policyId", "attachmentCount")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the policy."""
        asked = {"Description": wanted["description"]} if "description" in wanted else {}
        made: Any = cloud.iam.create_policy(
            PolicyName=wanted["name"],
            Path=wanted["path"],
            PolicyDocument=wanted["policy"],
            Tags=_tags(wanted),
            **asked,
        )
        return made["Policy"]["Arn"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The policy in its default version."""
        policy: Any = cloud.iam.get_policy(PolicyArn=resource_id)["Policy"]
        version: Any = cloud.iam.get_policy_version(
            PolicyArn=resource_id, VersionId=policy["DefaultVersionId"]
        )
        return {
            "arn": resource_id,
            "policyId": policy["PolicyId"],
            "attachmentCount": policy["AttachmentCount"],
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "description": policy.get("Description"),
            "policy": json.dumps(version["PolicyVersion"]["Document"]),
            "tagsAll": tag_map(policy.get("Tags", [])),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Make a new default version, and the oldest one go if AWS would keep no more."""
        versions = self._other_versions(cloud, resource_id)
        if len(versions) >= _MOST_VERSIONS - 1:
            cloud.iam.delete_policy_version(PolicyArn=resource_id, VersionId=versions[0])
        cloud.iam.create_policy_version(
            PolicyArn=resource_id, PolicyDocument=wanted["policy"], SetAsDefault=True
        )
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.iam.untag_policy(PolicyArn=resource_id, TagKeys=removed)
        if added:
            cloud.iam.tag_policy(PolicyArn=resource_id, Tags=tag_list(added))

    def _other_versions(self, cloud: Aws, arn: str) -> list[str]:
        found: Any = cloud.iam.list_policy_versions(PolicyArn=arn)["Versions"]
        others = [each for each in found if not each["IsDefaultVersion"]]
        return [each["VersionId"] for each in sorted(others, key=lambda each: each["CreateDate"])]

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the policy with all its versions."""
        for version in self._other_versions(cloud, resource_id):
            cloud.iam.delete_policy_version(PolicyArn=resource_id, VersionId=version)
        cloud.iam.delete_policy(PolicyArn=resource_id)


class RolePolicyAttachment(AwsHandler):
    """That a role has a shared policy. Its id is `role/arn`, as `pulumi import` wants it."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    inputs: ClassVar[Schema] = {
        "role": text(required=True, replaces=True, identity=True),
        "policyArn": text(required=True, replaces=True, identity=True),
    }

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Attach it."""
        cloud.iam.attach_role_policy(RoleName=wanted["role"], PolicyArn=wanted["policyArn"])
        return f"{wanted['role']}/{wanted['policyArn']}"

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The two names, if one is still attached to the other."""
        role, _, arn = resource_id.partition("/")
        found = cloud.iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        attached = {each.get("PolicyArn") for page in found for each in page["AttachedPolicies"]}
        return {"role": role, "policyArn": arn} if arn in attached else None

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Detach it."""
        role, _, arn = resource_id.partition("/")
        cloud.iam.detach_role_policy(RoleName=role, PolicyArn=arn)


def _tags(wanted: Props) -> Any:
    return tag_list(wanted["tagsAll"])


HANDLERS = [OpenIdConnectProvider(), Role(), RolePolicy(), Policy(), RolePolicyAttachment()]
