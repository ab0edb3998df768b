"""Values of the document as people read them, each with its place in the document.

Whatever stands on the page and is not the page's own words is in an element with `data-path`, the
keys that lead to it joined by dots, and `data-value`, the same as JSON. A test compares them all.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from neonhub_backup.cli.output import size_text
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.report.markup import Markup, element, join
from neonhub_backup.watch.freshness import age_text


@dataclass(frozen=True)
class Field:
    """A place in the document, and what is there."""

    path: str
    value: Any

    def __getitem__(self, key: str | int) -> "Field":
        return Field(f"{self.path}.{key}" if self.path else str(key), self.value[key])

    def __iter__(self) -> Iterator["Field"]:
        return (self[number] for number in range(len(cast("list[Any]", self.value))))

    def __bool__(self) -> bool:
        return bool(self.value)


def moment_of(field: Field) -> datetime:
    """A time of the document."""
    return datetime.fromisoformat(field.value)


def words(field: Field, none: str = "none", class_: str | None = None) -> Markup:
    """Text as it is."""
    return _shown(field, none if field.value is None else str(field.value), class_)


def count(field: Field, none: str = "unknown") -> Markup:
    """A whole number."""
    return _shown(field, none if field.value is None else f"{field.value:,}")


def size(field: Field, none: str = "unknown") -> Markup:
    """Bytes."""
    return _shown(field, none if field.value is None else size_text(field.value))


def gigabytes(field: Field, none: str = "unknown") -> Markup:
    """Gigabytes as they are billed."""
    return _shown(field, none if field.value is None else gigabytes_text(field.value))


def age(field: Field, none: str = "unknown") -> Markup:
    """Seconds, as an age."""
    return _shown(field, none if field.value is None else _age_text(field.value))


def taken(field: Field, none: str = "unknown") -> Markup:
    """Seconds, as the time that something took."""
    return _shown(field, none if field.value is None else taken_text(field.value))


def kept(field: Field, none: str = "unknown") -> Markup:
    """Seconds, as retention tables have them."""
    return _shown(
        field,
        none if field.value is None else format_duration(timedelta(seconds=field.value)),
    )


def percent(field: Field, none: str = "unknown") -> Markup:
    """A change in percent."""
    return _shown(field, none if field.value is None else f"{field.value:+.1f} %")


def money(field: Field, currency: str, none: str = "unknown") -> Markup:
    """An amount."""
    return _shown(field, none if field.value is None else f"{field.value:,.2f} {currency}")


def moment(field: Field, none: str = "never", class_: str | None = None) -> Markup:
    """A time, to the minute."""
    if field.value is None:
        return _shown(field, none, class_)
    text = f"{moment_of(field).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return _shown(field, element("time", text, datetime=field.value), class_)


def day(field: Field, none: str = "never") -> Markup:
    """The day of a time."""
    if field.value is None:
        return _shown(field, none)
    text = f"{moment_of(field).astimezone(UTC):%Y-%m-%d}"
    return _shown(field, element("time", text, datetime=field.value))


def yes_no(field: Field, yes: str, no: str, none: str = "unknown") -> Markup:
    """Whether something is so."""
    return _shown(field, none if field.value is None else yes if field.value else no)


def advice(field: Field) -> Markup:
    """A sentence that ends with what to do after its last colon, which stands out."""
    text = str(field.value)
    problem, colon, fix = text.rpartition(": ")
    inner = [problem + colon, element("strong", fix)] if colon else [text]
    return _shown(field, join(*inner))


def gigabytes_text(number: float) -> str:
    """Small ones with what is left of them."""
    return f"{number:.3f} GB" if number < 1 else f"{number:,.1f} GB"


def taken_text(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _age_text(seconds: float) -> str:
    if seconds < 0:
        return f"-{age_text(timedelta(seconds=-seconds))}"
    return age_text(timedelta(seconds=seconds))


def _shown(field: Field, content: str | Markup, class_: str | None = None) -> Markup:
    return element(
        "data",
        content,
        value="" if field.value is None else str(field.value),
        class_=class_,
        data_path=field.path,
        data_value=json.dumps(field.value, ensure_ascii=False),
    )
