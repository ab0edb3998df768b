"""How properties are named by the S3 API."""

from datetime import UTC, datetime

from sandbox.providers.aws.wire import from_api, tag_map, to_api
from sandbox.providers.schema import Schema, block, blocks, number, text, text_map

RULES: Schema = {
    "rules": blocks(
        {
            "id": text(),
            "filter": block({"and": block({"prefix": text(), "tags": text_map()})}),
            "expiration": block({"days": number(), "date": text()}),
        }
    )
}
PROPS = {
    "rules": [
        {
            "id": "a",
            "filter": {"and": {"prefix": "x/", "tags": {"keep": "no"}}},
            "expiration": {"days": 1},
        }
    ]
}
ANSWER = {
    "Rules": [
        {
            "ID": "a",
            "Filter": {"And": {"Prefix": "x/", "Tags": [{"Key": "keep", "Value": "no"}]}},
            "Expiration": {"Days": 1},
        }
    ]
}


def test_properties_are_sent_under_the_names_of_the_api() -> None:
    assert to_api(RULES, PROPS) == ANSWER


def test_answers_come_back_as_they_were_sent() -> None:
    assert from_api(RULES, ANSWER) == PROPS


def test_what_the_schema_does_not_know_is_left_out_of_answers() -> None:
    assert from_api({"id": text()}, {"ID": "a", "Other": 1}) == {"id": "a"}


def test_dates_are_written_as_the_real_provider_writes_them() -> None:
    answer = {"Date": datetime(2030, 1, 2, tzinfo=UTC)}

    assert from_api({"date": text()}, answer) == {"date": "2030-01-02T00:00:00Z"}


def test_tags_of_aws_itself_are_nobodys_change() -> None:
    assert tag_map([{"Key": "aws:x", "Value": "1"}, {"Key": "a", "Value": "2"}]) == {"a": "2"}
