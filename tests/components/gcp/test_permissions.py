"""What a grant says of the objects that it is for."""

from components.gcp.permissions import Grant, Role, Where


def test_a_grant_without_prefixes_is_for_all_objects() -> None:
    assert Grant(Where.BACKUPS, Role.READ).condition("b") is None


def test_a_grant_for_two_prefixes_holds_in_both() -> None:
    grant = Grant(Where.BACKUPS, Role.READ, ("index/", "status/"))

    assert grant.condition("b") == (
        'resource.name.startsWith("projects/_/buckets/b/objects/index/")'
        ' || resource.name.startsWith("projects/_/buckets/b/objects/status/")'
    )


def test_a_grant_for_one_name_holds_for_no_other_in_either_prefix() -> None:
    grant = Grant(Where.BACKUPS, Role.READ, ("index/", "status/"), "manifest.json")

    assert grant.condition("b") == (
        '(resource.name.startsWith("projects/_/buckets/b/objects/index/")'
        ' || resource.name.startsWith("projects/_/buckets/b/objects/status/"))'
        ' && resource.name.endsWith("/manifest.json")'
    )


def test_what_is_granted_besides_may_have_any_name() -> None:
    grant = Grant(Where.BACKUPS, Role.READ, ("db/",), "manifest.json", besides=("drills/",))

    assert grant.condition("b") == (
        '((resource.name.startsWith("projects/_/buckets/b/objects/db/"))'
        ' && resource.name.endsWith("/manifest.json"))'
        ' || resource.name.startsWith("projects/_/buckets/b/objects/drills/")'
    )


def test_each_role_has_one_permission_and_none_deletes() -> None:
    permissions = {role.permission for role in Role}
    assert len(permissions) == len(Role)
    assert not any("delete" in permission for permission in permissions)
