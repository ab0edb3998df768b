"""Required objects: how people may write them, and what a manifest calls them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain.required import RequiredObject, parse_required

_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@pytest.mark.parametrize(
    ("written", "normal", "identity"),
    [
        ("TYPE ConnectorKind", "TYPE public.ConnectorKind", "TYPE public ConnectorKind"),
        ('CREATE TYPE "ConnectorKind"', "TYPE public.ConnectorKind", "TYPE public ConnectorKind"),
        ('CREATE TABLE "connectors"', "TABLE public.connectors", "TABLE public connectors"),
        ("TABLE public.connectors", "TABLE public.connectors", "TABLE public connectors"),
        (' TABLE "sales"."orders" ', "TABLE sales.orders", "TABLE sales orders"),
        ('TABLE sales."a.b"', "TABLE sales.a.b", "TABLE sales a.b"),
        ('TABLE "eu.west".orders', 'TABLE "eu.west".orders', "TABLE eu.west orders"),
        ('TABLE "say ""hi"""', 'TABLE public."say ""hi"""', 'TABLE public say "hi"'),
        ("EXTENSION vector", "EXTENSION vector", "EXTENSION - vector"),
        ("SCHEMA sales", "SCHEMA sales", "SCHEMA - sales"),
        ("MATERIALIZED VIEW m", "MATERIALIZED VIEW public.m", "MATERIALIZED VIEW public m"),
        (
            "FK CONSTRAINT posts posts_author_fkey",
            "FK CONSTRAINT public.posts posts_author_fkey",
            "FK CONSTRAINT public posts posts_author_fkey",
        ),
        (
            'TRIGGER "posts"  "stamp"',
            "TRIGGER public.posts stamp",
            "TRIGGER public posts stamp",
        ),
        (
            'FUNCTION nearest(public.vector, public."Kind")',
            'FUNCTION public.nearest(public.vector, public."Kind")',
            'FUNCTION public nearest(public.vector, public."Kind")',
        ),
        (
            "CAST (text AS public.vector)",
            "CAST (text AS public.vector)",
            "CAST - (text AS public.vector)",
        ),
    ],
)
def test_every_way_to_write_an_object_is_one(written: str, normal: str, identity: str) -> None:
    read = parse_required(written)

    assert str(read) == normal
    assert read.identity == identity


@pytest.mark.parametrize(
    "written",
    [
        "",
        "connectors",
        "table connectors",
        "TABLE",
        "TABLE ",
        "TABEL connectors",
        "TABLE a\nTABLE b",
    ],
)
def test_what_names_no_object_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(ValueError, match=r"such as TYPE ConnectorKind or TABLE public\.connectors"):
        parse_required(written)


@pytest.mark.parametrize("written", ['TABLE "a', 'TABLE a"b"', 'TABLE public."a"b'])
def test_a_quote_that_does_not_close_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="has a quote that does not close"):
        parse_required(written)


@given(kind=st.sampled_from(["TABLE", "POLICY", "FOREIGN TABLE"]), schema=_NAMES, name=_NAMES)
def test_any_object_is_read_back_as_it_was_written(kind: str, schema: str, name: str) -> None:
    there = RequiredObject(kind, schema, name)

    assert parse_required(str(there)) == there


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1))
def test_what_is_quoted_is_taken_to_the_letter(name: str) -> None:
    there = RequiredObject("EXTENSION", "-", name)

    assert parse_required(str(there)) == there
