"""What moto's IAM gets wrong: users have permission boundaries, as roles do, and keep their tags
when their path changes.
"""

from typing import Any
from weakref import WeakKeyDictionary

from moto.core.responses import ActionResult, EmptyResult
from moto.iam.models import IAMBackend, User
from moto.iam.responses import IamResponse

_BOUNDARIES: WeakKeyDictionary[User, str] = WeakKeyDictionary()

_update_user = IAMBackend.update_user
_create_user = IamResponse.create_user


def permissions_boundary(user: User) -> dict[str, str] | None:
    """The boundary as IAM describes it, or None."""
    arn = _BOUNDARIES.get(user)
    if arn is None:
        return None
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def create_user(self: IamResponse) -> ActionResult:
    """Make a user, with its boundary. Raises NoSuchEntity if there is no such policy."""
    if "PermissionsBoundary" not in self.params:
        return _create_user(self)
    self.backend.get_policy(self.params["PermissionsBoundary"])
    made = _create_user(self)
    put_user_permissions_boundary(self)
    return made


def put_user_permissions_boundary(self: IamResponse) -> ActionResult:
    """Set a user's boundary. Raises NoSuchEntity if there is no such policy."""
    arn = self.params["PermissionsBoundary"]
    self.backend.get_policy(arn)
    _BOUNDARIES[self.backend.get_user(self.params["UserName"])] = arn
    return EmptyResult()


def delete_user_permissions_boundary(self: IamResponse) -> ActionResult:
    """Take a user's boundary away."""
    _BOUNDARIES.pop(self.backend.get_user(self.params["UserName"]), None)
    return EmptyResult()


def update_user(
    self: IAMBackend, user_name: str, new_path: str | None = None, new_user_name: str | None = None
) -> None:
    """Change a user's path or name, and nothing else."""
    user = self.get_user(user_name)
    tags = self.tagger.get_tag_dict_for_resource(user.arn)
    _update_user(self, user_name, new_path, new_user_name)
    self.tagger.tag_resource(user.arn, self.tagger.convert_dict_to_tags_input(tags))


def correct() -> None:
    """Add what is missing in this process."""
    new: Any = User
    new.permissions_boundary = property(permissions_boundary)
    IAMBackend.update_user = update_user
    answers: Any = IamResponse
    answers.create_user = create_user
    answers.put_user_permissions_boundary = put_user_permissions_boundary
    answers.delete_user_permissions_boundary = delete_user_permissions_boundary
