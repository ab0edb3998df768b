"""A judge of grants: what Google would answer to a request, by all that was deployed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.google_conditions import holds

Asked = dict[str, Any]
May = Callable[..., bool]


def _permissions(asked: Asked, role: str) -> list[str]:
    for each in asked.values():
        if each.options.type.endswith("IAMCustomRole") and role.endswith(
            f"/roles/{each.inputs['roleId']}"
        ):
            return each.inputs["permissions"]
    raise NotImplementedError(f"this judge does not know what the role {role} allows")


@pytest.fixture
def may() -> May:
    """Call it with what was deployed, an account, a permission, a bucket and maybe an object."""

    def judge(asked: Asked, account: str, permission: str, bucket: str, key: str = "") -> bool:
        resource = f"projects/_/buckets/{bucket}" + (f"/objects/{key}" if key else "")
        grants = [
            each.inputs
            for each in asked.values()
            if each.options.type.endswith("BucketIAMMember")
            and each.inputs["bucket"] == bucket
            and each.inputs["member"].startswith(f"serviceAccount:{account}@")
        ]
        assert grants, f"{account} is granted nothing on {bucket}, so this proves nothing"
        return any(
            permission in _permissions(asked, grant["role"])
            and ("condition" not in grant or holds(grant["condition"]["expression"], resource))
            for grant in grants
        )

    return judge
