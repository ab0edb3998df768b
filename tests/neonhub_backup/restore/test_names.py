"""Names of tables are found as people write them, or refused with what was meant."""

import pytest

from neonhub_backup.domain.manifest import Manifest, Schema, Table
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.restore.names import parse_tables, resolve
from tests.neonhub_backup.samples import SHA256, location, manifest


def _backup(*tables: tuple[str, str], partitioned: str | None = None) -> Manifest:
    objects = {} if partitioned is None else {f"TABLE {partitioned}": "0" * 16}
    return manifest(location()).model_copy(
        update={
            "tables": tuple(
                Table(
                    schema_name=schema,
                    name=name,
                    columns=("id",),
                    form="binary",
                    disk_bytes=0,
                    chunks=(),
                )
                for schema, name in tables
            ),
            "schema_": Schema(fingerprint=SHA256, objects=objects),
        }
    )


BACKUP = _backup(
    ("public", "connectors"),
    ("public", "connector_auths"),
    ("public", "User"),
    ("billing", "invoices"),
    ("billing", "Odd, Na.me"),
    ("shop", "invoices"),
    partitioned="public events",
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("connectors", [("public", "connectors")]),
        ("connectors,connector_auths", [("public", "connectors"), ("public", "connector_auths")]),
        (" connectors , connectors", [("public", "connectors")]),
        ("Connectors", [("public", "connectors")]),
        ("User", [("public", "User")]),
        ('"User"', [("public", "User")]),
        ("shop.invoices", [("shop", "invoices")]),
        ('billing."Odd, Na.me"', [("billing", "Odd, Na.me")]),
        ('"billing"."Odd, Na.me",User', [("billing", "Odd, Na.me"), ("public", "User")]),
        ("events", [("public", "events")]),
        ("public.events", [("public", "events")]),
    ],
)
def test_a_list_names_tables_of_the_backup_each_once(
    text: str, names: list[tuple[str, str]]
) -> None:
    assert resolve(parse_tables(text), BACKUP) == names


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b", "a b", '"a', "a.b.c", '""', "a."])
def test_what_is_no_list_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a list of tables.*billing.invoices"):
        parse_tables(text)


def test_a_quote_within_quotes_is_written_twice() -> None:
    (name,) = parse_tables('"a""b"')

    assert name.name == 'a"b'


def test_a_table_that_is_not_there_is_refused_with_those_like_it() -> None:
    with pytest.raises(ConfigurationError, match=r'did you mean "public"."connectors"'):
        resolve(parse_tables("conectors"), BACKUP)


def test_one_like_no_other_is_refused_with_where_to_look() -> None:
    with pytest.raises(ConfigurationError, match="show names those it has"):
        resolve(parse_tables("zzz"), BACKUP)


def test_a_name_in_two_schemas_must_say_in_which() -> None:
    with pytest.raises(
        ConfigurationError, match=r'write "billing"."invoices" or "shop"."invoices"'
    ):
        resolve(parse_tables("invoices"), BACKUP)
