"""SQL taken apart as far as it takes to see what its statements would do to a transaction."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from neonhub_backup.errors import ConfigurationError

_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<text>    [eE]'(?: [^'\\] | \\. | '' )*' | '(?: [^'] | '' )*' | "(?: [^"] | "" )*" )
    | (?P<dollar>  \$ (?P<tag> [^\W\d]\w* )? \$ .*? \$ (?(tag)(?P=tag)) \$ )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<open>    ['"] | \$ (?: [^\W\d]\w* )? \$ )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK = re.compile(r"/\*|\*/")
_FIRST_WORDS = 5
"""As many words of a statement as any rule here looks at."""


@dataclass(frozen=True)
class Statement:
    """One statement."""

    text: str
    """From its first word to its last character, without the semicolon."""
    line: int
    """The line of its first word."""
    words: tuple[str, ...]
    """Its first words, in capital letters; what is quoted is none."""
    reads_input: bool
    """Whether it is a COPY that expects its rows after it."""


def statements(text: str) -> Iterator[Statement]:
    """The statements of a file, with the lines that they begin in.

    Raises:
        ConfigurationError: it has a command of psql, or ends inside a quotation or a comment.
    """
    words: list[str] = []
    begin = end = line = 0
    parentheses = blocks = 0
    for kind, piece, place, number in _tokens(text):
        if piece == "\\":
            raise ConfigurationError(
                f"line {number} has a command of psql (a backslash), which no server knows,"
                " so nothing was done: write SQL alone"
            )
        if piece == ";" and not parentheses and not blocks:
            if line:
                yield _statement(text[begin:end], line, words)
            words, line = [], 0
            continue
        if not line:
            begin, line = place, number
        end = place + len(piece)
        parentheses += {"(": 1, ")": -1}.get(piece, 0)
        if kind == "word":
            words.append(piece.upper())
            blocks += _block(words, blocks)
    if line:
        yield _statement(text[begin:end], line, words)


def refuse_unfit(text: str, name: str) -> None:
    """Refuse SQL that would end the transaction it runs in, or read what is not there.

    Statements that the server refuses inside a transaction are left to the server.

    Raises:
        ConfigurationError: with the line.
    """
    count = 0
    for statement in statements(text):
        count += 1
        first = statement.words[:1]
        said = " ".join(statement.words[:2])
        if _controls(statement.words):
            raise ConfigurationError(
                f"line {statement.line} of {name} begins with {said}, which would take the"
                " transaction that all of it runs in out of this program's hands, so nothing was"
                " done: take such statements out"
            )
        if first == ("COPY",) and statement.reads_input:
            raise ConfigurationError(
                f"line {statement.line} of {name} copies from what follows it, which only psql can"
                " send, so nothing was done: write INSERT"
            )
    if not count:
        raise ConfigurationError(f"{name} holds no statement, so there is nothing to run")


def _controls(words: tuple[str, ...]) -> bool:
    match words:
        case ("ROLLBACK", "TO", *_) | ("ROLLBACK", "WORK" | "TRANSACTION", "TO", *_):
            return False
        case ("START" | "PREPARE", "TRANSACTION", *_):
            return True
        case ("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "ABORT", *_):
            return True
        case _:
            return False


def _statement(text: str, line: int, words: list[str]) -> Statement:
    reads = any(pair == ("FROM", "STDIN") for pair in pairwise(words))
    return Statement(text, line, tuple(words[:_FIRST_WORDS]), reads)


def _block(words: list[str], depth: int) -> int:
    """By how much the last word changes the depth of blocks in a function's SQL body."""
    if words[0] != "CREATE" or not {"FUNCTION", "PROCEDURE"} & set(words[1:4]):
        return 0
    if words[-1] == "END":
        return -1 if depth else 0
    begins = words[-1] == "ATOMIC" and words[-2:-1] == ["BEGIN"]
    return 1 if begins or (depth and words[-1] == "CASE") else 0


def _tokens(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Kind, text, place and line of everything but space and comments."""
    place, line = 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        assert match is not None  # noqa: S101 - any character is a token
        kind, token, end = str(match.lastgroup), match[0], match.end()
        if kind == "comment":
            end = _after_comment(text, place, line)
        elif kind == "open":
            raise ConfigurationError(
                f"the quotation that begins in line {line} does not end, so nothing was done: the"
                " file may have been cut off"
            )
        elif kind != "space":
            yield kind, token, place, line
        line += text.count("\n", place, end)
        place = end


def _after_comment(text: str, place: int, line: int) -> int:
    """Where a comment ends, which may have others in it."""
    depth = 0
    for mark in _BLOCK.finditer(text, place):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    raise ConfigurationError(
        f"the comment that begins in line {line} does not end, so nothing was done: the file may"
        " have been cut off"
    )
