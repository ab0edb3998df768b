"""What a backup lacks is known from a listing and its manifest."""

from neonhub_backup.domain.layout import chunk_name
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.validating import absent, incomplete
from tests.neonhub_backup.backups import back_up, damage, file_of
from tests.neonhub_backup.samples import location


def test_a_copy_with_every_object_is_complete(disk: DirectoryStore) -> None:
    assert incomplete(back_up(disk, location())) == []


def test_what_is_missing_or_cut_off_is_named(disk: DirectoryStore) -> None:
    copy = back_up(disk, location())
    file_of(disk, copy.location, copy.manifest.archive.name).unlink()
    damage(file_of(disk, copy.location, chunk_name(0, 0, "text")), b"row")

    assert incomplete(copy) == [
        "archive.dump.zst.gpg is missing",
        "rows/0000-000.text.zst.gpg has 3 bytes instead of 4",
    ]


def test_required_objects_are_compared_with_kind_and_schema(disk: DirectoryStore) -> None:
    manifest = back_up(disk, location(), schema=["TABLE public users", "EXTENSION - v"]).manifest

    assert absent(manifest, ["TABLE public.users", "EXTENSION v"]) == []
    assert absent(manifest, ["VIEW public.users", "TABLE sales.users"]) == [
        "VIEW public.users",
        "TABLE sales.users",
    ]
