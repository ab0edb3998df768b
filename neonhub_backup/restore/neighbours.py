"""Whether an approximate vector index finds what an exact scan finds.

The index is asked for the nearest neighbours of some stored vectors with all the effort of one
search, so that the index is measured and not the settings of an application. What that misses is
searched for further: of vectors that resemble each other little, a search of HNSW never finds all,
however sound the index is, but going on does. Distances are compared rather than rows: of several
rows equally far away, any is right.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.proof import Recall
from neonhub_backup.postgres.connection import Connection, query, quoted

SAMPLE = 20
"""Stored vectors of each index whose neighbours are looked for."""
NEIGHBOURS = 10
"""How many of each."""
MINIMUM_RECALL = 0.95
"""Share of the exact neighbours that an index must find in the end, over the whole sample."""
BUDGET_SECONDS = 300.0
"""Time for all indexes; each has an equal share of what those before it left."""

EF_SEARCH = 1000
"""Candidates that HNSW looks at: the most that pgvector allows."""
FURTHER = 50_000
"""Rows that an iterative scan of HNSW may bring, nearest first as far as it knows."""
FURTHER_MEMORY = 50
"""Memory that it may take, in multiples of work_mem."""
USUAL_LISTS = 100
"""Lists of an IVFFlat index that was not told how many. All of them are searched."""
_SEED = 5
_TOLERANCE = 1e-9
"""Two distances that differ by less than this part are the same, whichever plan computed them."""


@dataclass(frozen=True)
class SearchedIndex:
    """An index that is asked for what is nearest."""

    number: int
    name: tuple[str, str]
    """Schema and name, unquoted."""
    table_number: int
    table: tuple[str, str]
    method: str
    expression: str
    """SQL of what it indexes: a quoted column, or any other expression."""
    condition: str | None
    """SQL of which rows it holds. None: all."""
    operator: tuple[str, str]
    """Schema and name of the distance."""
    lists: int
    """Of an IVFFlat index."""


def measure(connection: Connection) -> tuple[list[Recall], list[str]]:
    """The recall of every vector index, and a line for each that could not be measured."""
    found: list[Recall] = []
    notes: list[str] = []
    indexes = read_searched_indexes(connection)
    if indexes:
        connection.execute("LOAD 'vector'")  # or its settings would not be known yet
    deadline = time.monotonic() + BUDGET_SECONDS
    for number, index in enumerate(indexes):
        share = (deadline - time.monotonic()) / (len(indexes) - number)
        shares = _measure(connection, index, time.monotonic() + share, notes)
        found.append(
            Recall(
                index=quoted(*index.name),
                table=quoted(*index.table),
                method=index.method,
                distance=index.operator[1],
                sampled=len(shares),
                neighbours=NEIGHBOURS,
                recall=_mean([at_once for at_once, _ in shares]),
                reached=_mean([in_the_end for _, in_the_end in shares]),
            )
        )
    return found, notes


def shortfalls(found: Sequence[Recall]) -> list[str]:
    """A line for each index that lacks rows."""
    return [
        f"index {one.index} finds {one.reached:.1%} of the {one.neighbours} nearest rows of"
        f" {one.table} that an exact scan by {one.distance} finds, however long it searches, and"
        f" {MINIMUM_RECALL:.0%} is the least: REINDEX it"
        for one in found
        if one.reached is not None and one.reached < MINIMUM_RECALL
    ]


def hardships(found: Sequence[Recall]) -> list[str]:
    """A line for each index that finds its rows by searching on, or might, but not at once."""
    return [
        f"index {one.index} seems sound, but its vectors resemble each other so little that a"
        f" single search finds {one.recall:.1%} of the {one.neighbours} nearest rows: build it with"
        " more effort (m and ef_construction), or let queries scan iteratively"
        for one in found
        if one.recall is not None and one.recall < MINIMUM_RECALL
        if one.reached is None or one.reached >= MINIMUM_RECALL
    ]


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return round(sum(known) / len(known), 4) if known and len(known) == len(shares) else None


def share_found(exact: Sequence[float], approximate: Sequence[float]) -> float:
    """How many of the nearest rows an index found, as a share, from both lists of distances."""
    return min(1.0, sum(one <= farthest(exact) for one in approximate) / len(exact))


def farthest(exact: Sequence[float]) -> float:
    """The greatest distance at which a row is one of the nearest."""
    return exact[-1] + abs(exact[-1]) * _TOLERANCE


def read_searched_indexes(connection: Connection) -> list[SearchedIndex]:
    """The usable indexes of pgvector, those of partitions one by one."""
    return [_searched_index(row) for row in query(connection, _INDEXES, USUAL_LISTS)]


def _searched_index(row: tuple[object, ...]) -> SearchedIndex:
    number, schema, name, table_number, table_schema, table = row[:6]
    method, expression, condition, operator_schema, operator, lists = row[6:]
    return SearchedIndex(
        number=cast("int", number),
        name=(cast("str", schema), cast("str", name)),
        table_number=cast("int", table_number),
        table=(cast("str", table_schema), cast("str", table)),
        method=cast("str", method),
        expression=cast("str", expression),
        condition=cast("str | None", condition),
        operator=(cast("str", operator_schema), cast("str", operator)),
        lists=cast("int", lists),
    )


def _measure(
    connection: Connection, index: SearchedIndex, deadline: float, notes: list[str]
) -> list[tuple[float, float | None]]:
    """For each sampled vector the share found at once, and in the end."""
    shares: list[tuple[float, float | None]] = []
    name = quoted(*index.name)
    try:
        with connection.transaction(force_rollback=True):
            _limit(connection, deadline)
            _leave_no_choice(connection, index)
            places = [place for (place,) in query(connection, _sample(index))]
            for place in cast("list[str]", places):
                _limit(connection, deadline)
                exact = _distances(connection, _exact(index, place), by_index=False)
                if not exact:  # a vector that is at no distance from any, such as zero by cosine
                    continue
                approximate = _approximate(index, place, NEIGHBOURS)
                if not shares and not _uses(connection, approximate, index):
                    notes.append(f"index {name} was not compared: the server does not use it")
                    return []
                found = share_found(exact, _distances(connection, approximate, by_index=True))
                if found == 1.0 or index.method != "hnsw":
                    shares.append((found, found))
                else:
                    shares.append((found, _further(connection, index, place, exact)))
    except psycopg.errors.QueryCanceled:
        notes.append(
            f"index {name} was compared with {len(shares)} exact scans instead of {SAMPLE}: there"
            " was no time for more"
        )
        return shares
    if not shares:
        notes.append(f"index {name} was not compared: it holds nothing that is near anything")
    return shares


def _further(
    connection: Connection, index: SearchedIndex, place: str, exact: Sequence[float]
) -> float | None:
    """The share that an iterative scan finds. None: pgvector has none, as before its 0.8."""
    if not query(connection, "SELECT FROM pg_settings WHERE name = 'hnsw.iterative_scan'"):
        return None
    _set(connection, "hnsw.iterative_scan", "relaxed_order")
    _set(connection, "hnsw.max_scan_tuples", str(2**31 - 1))
    _set(connection, "hnsw.scan_mem_multiplier", str(FURTHER_MEMORY))
    text = sql.SQL(
        "SELECT distance FROM ({approximate}) found WHERE distance <= {farthest}"
    ).format(approximate=_approximate(index, place, FURTHER), farthest=sql.Literal(farthest(exact)))
    found = _distances(connection, text, by_index=True)
    _set(connection, "hnsw.iterative_scan", "off")
    return share_found(exact, found)


def _limit(connection: Connection, deadline: float) -> None:
    milliseconds = max(1, int((deadline - time.monotonic()) * 1000))
    _set(connection, "statement_timeout", str(milliseconds))


def _leave_no_choice(connection: Connection, index: SearchedIndex) -> None:
    """Let the planner see no other index of the table, until this transaction is rolled back."""
    connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indrelid = %s AND indexrelid <> %s",
        [index.table_number, index.number],
    )
    _set(connection, "hnsw.ef_search", str(EF_SEARCH))
    _set(connection, "ivfflat.probes", str(index.lists))


def _distances(connection: Connection, text: sql.Composed, *, by_index: bool) -> list[float]:
    _choose_plan(connection, by_index=by_index)
    return [cast("float", distance) for (distance,) in query(connection, text)]


def _uses(connection: Connection, text: sql.Composed, index: SearchedIndex) -> bool:
    _choose_plan(connection, by_index=True)
    ((plan,),) = query(connection, sql.SQL("EXPLAIN (FORMAT JSON) ") + text)
    return index.name[1] in _indexes_of(cast("list[dict[str, object]]", plan)[0]["Plan"])


def _indexes_of(node: object) -> set[object]:
    parts = cast("dict[str, object]", node)
    found: set[object] = {parts.get("Index Name")}
    for child in cast("list[object]", parts.get("Plans", [])):
        found |= _indexes_of(child)
    return found


def _choose_plan(connection: Connection, *, by_index: bool) -> None:
    _set(connection, "enable_indexscan", "on" if by_index else "off")
    _set(connection, "enable_seqscan", "off" if by_index else "on")


def _set(connection: Connection, name: LiteralString, value: str) -> None:
    connection.execute("SELECT set_config(%s, %s, true)", [name, value])


def _sample(index: SearchedIndex) -> sql.Composed:
    return sql.SQL(
        "SELECT ctid::text FROM ONLY {table} WHERE {expression} IS NOT NULL AND {condition}"
        " ORDER BY hashtidextended(ctid, {seed}), ctid LIMIT {sample}"
    ).format(**_parts(index), seed=sql.Literal(_SEED), sample=sql.Literal(SAMPLE))


def _exact(index: SearchedIndex, place: str) -> sql.Composed:
    return sql.SQL(
        "SELECT distance FROM (SELECT {distance} AS distance FROM ONLY {table}"
        " WHERE {expression} IS NOT NULL AND {condition}) found"
        " WHERE distance <> 'NaN' ORDER BY distance LIMIT {neighbours}"
    ).format(**_parts(index), distance=_distance(index, place), neighbours=sql.Literal(NEIGHBOURS))


def _approximate(index: SearchedIndex, place: str, rows: int) -> sql.Composed:
    return sql.SQL(
        "SELECT {distance} AS distance FROM ONLY {table} WHERE {condition} ORDER BY {distance}"
        " LIMIT {rows}"
    ).format(**_parts(index), distance=_distance(index, place), rows=sql.Literal(rows))


def _distance(index: SearchedIndex, place: str) -> sql.Composed:
    return sql.SQL(
        "{expression} OPERATOR({schema}.{operator})"
        " (SELECT {expression} FROM ONLY {table} WHERE ctid = {place})"
    ).format(
        **_parts(index),
        schema=sql.Identifier(index.operator[0]),
        operator=sql.SQL(index.operator[1]),  # pyright: ignore[reportArgumentType] - PostgreSQL's own name of it
        place=sql.Literal(place),
    )


def _parts(index: SearchedIndex) -> dict[str, sql.Composable]:
    return {
        "table": sql.Identifier(*index.table),
        "expression": sql.SQL(f"({index.expression})"),  # pyright: ignore[reportArgumentType] - PostgreSQL's own text of it
        "condition": sql.SQL(index.condition or "true"),  # pyright: ignore[reportArgumentType] - as above
    }


_INDEXES = """
    SELECT i.indexrelid::int8, n.nspname::text, c.relname::text,
           i.indrelid::int8, tn.nspname::text, t.relname::text,
           m.amname::text, pg_get_indexdef(i.indexrelid, 1, false),
           pg_get_expr(i.indpred, i.indrelid), opn.nspname::text, o.oprname::text,
           coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions)
                      WHERE option_name = 'lists'), %s)
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
      JOIN pg_am m ON m.oid = c.relam AND m.amname IN ('hnsw', 'ivfflat')
      JOIN pg_opclass k ON k.oid = i.indclass[0]
      JOIN pg_amop p ON p.amopfamily = k.opcfamily AND p.amoplefttype = k.opcintype
                    AND p.amoppurpose = 'o'
      JOIN pg_operator o ON o.oid = p.amopopr JOIN pg_namespace opn ON opn.oid = o.oprnamespace
     WHERE c.relkind = 'i' AND i.indisvalid AND c.relpersistence <> 't'
     ORDER BY 5, 6, 2, 3
"""
