"""Values of the document as people read them, each with its place in the document.

Whatever stands on the page and is not the page's own words is in an element with `data-path`, the
keys that lead to it joined by dots, and `data-value`, the same as JSON. A test compares them all.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from neonhub_backup.domain.duration import format_duration
from neonhub_backup.report.markup import Markup, element, join
from neonhub_backup.watch.freshness import age_text
from neonhub_backup.wording import size_text


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


def shown(field: Field, content: str | Markup) -> Markup:
    """A value in whatever form it is given."""
    return element(
        "data",
        content,
        value="" if field.value is None else str(field.value),
        data_path=field.path,
        data_value=json.dumps(field.value, ensure_ascii=False),
    )


def words(field: Field, none: str = "none") -> Markup:
    """Text as it is."""
    return shown(field, none if field.value is None else str(field.value))


def count(field: Field, none: str = "unknown") -> Markup:
    """A whole number."""
    return shown(field, none if field.value is None else f"{field.value:,}")


def size(field: Field, none: str = "unknown") -> Markup:
    """Bytes."""
    return shown(field, none if field.value is None else size_text(field.value))


def gigabytes(field: Field, none: str = "unknown") -> Markup:
    """Gigabytes as they are billed."""
    return shown(field, none if field.value is None else gigabytes_text(field.value))


def age(field: Field, none: str = "unknown") -> Markup:
    """Seconds, as an age."""
    return shown(field, none if field.value is None else _age_text(field.value))


def taken(field: Field, none: str = "unknown") -> Markup:
    """Seconds, as the time that something took."""
    return shown(field, none if field.value is None else taken_text(field.value))


def duration(field: Field, none: str = "unknown") -> Markup:
    """Seconds that somebody promised, as they would write it."""
    return shown(field, none if field.value is None else _duration_text(field.value))


def percent(field: Field, none: str = "unknown") -> Markup:
    """A change in percent."""
    return shown(field, none if field.value is None else f"{field.value:+.1f} %")


def money(field: Field, currency: str, none: str = "unknown") -> Markup:
    """An amount."""
    return shown(field, none if field.value is None else f"{field.value:,.2f} {currency}")


def moment(field: Field, none: str = "never") -> Markup:
    """A time, to the minute."""
    if field.value is None:
        return shown(field, none)
    text = f"{moment_of(field).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return shown(field, element("time", text, datetime=field.value))


def moment_as(field: Field, form: str) -> Markup:
    """A time, in a form such as %H:%M."""
    text = f"{moment_of(field).astimezone(UTC):{form}}"
    return shown(field, element("time", text, datetime=field.value))


def day(field: Field, none: str = "never") -> Markup:
    """The day of a time."""
    return shown(field, none) if field.value is None else moment_as(field, "%Y-%m-%d")


def yes_no(field: Field, yes: str, no: str, none: str = "unknown") -> Markup:
    """Whether something is so."""
    return shown(field, none if field.value is None else yes if field.value else no)


def advice(field: Field) -> Markup:
    """A sentence that ends with what to do after its last colon, which stands out."""
    text = str(field.value)
    problem, colon, fix = text.rpartition(": ")
    inner = [problem + colon, element("strong", fix)] if colon else [text]
    return shown(field, join(*inner))


def gigabytes_text(number: float) -> str:
    """Small ones with what is left of them."""
    return f"{number:.3f} GB" if number < 1 else f"{number:,.1f} GB"


def taken_text(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120:
        number, unit = seconds, "s"
    elif seconds < 7200:
        number, unit = seconds / 60, "min"
    else:
        number, unit = seconds / 3600, "h"
    return f"{number:.1f}".removesuffix(".0") + f" {unit}"


def _duration_text(seconds: float) -> str:
    hours = seconds / 3600
    if hours == int(hours):
        return format_duration(timedelta(hours=hours))
    return f"{seconds / 60:g} min"


def _age_text(seconds: float) -> str:
    if seconds < 0:
        return f"-{age_text(timedelta(seconds=-seconds))}"
    return age_text(timedelta(seconds=seconds))
