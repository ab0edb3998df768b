"""A name that no migration has is refused before anything is done."""

import pytest

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.rollback.migrations import Migration, State, check_name, find_migration

KNOWN = [
    Migration("20251001_init", State.APPLIED),
    Migration("20251026_add_connector_kind_enum", State.FAILED),
]


@pytest.mark.parametrize(
    "name", ["20251026_add_connector_kind_enum", "20251026123456_add-x", "0_init"]
)
def test_names_as_prisma_makes_them_are_fine(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "--help", "add_x", "2025_", "2025_a b", "2025_../x", "2025_x\n", "2025_a;b"]
)
def test_what_could_be_something_else_to_a_command_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name of a migration"):
        check_name(name)


def test_one_that_the_database_remembers_is_found() -> None:
    assert find_migration(KNOWN, "20251001_init").state is State.APPLIED


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("20251026_add_connector_kinds_enum", r"did you mean 20251026_add_connector_kind_enum\?"),
        ("99999999_zzz", "see its table _prisma_migrations"),
    ],
)
def test_one_that_it_does_not_remember_is_refused(name: str, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        find_migration(KNOWN, name)
