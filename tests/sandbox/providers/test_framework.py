"""What every local provider does for its handlers, shown with a cloud that is a dictionary."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar, TypeVar

import pytest
from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from sandbox.providers.framework import (
    Function,
    Handler,
    LocalProvider,
    ProviderError,
    UnfinishedError,
)
from sandbox.providers.schema import Schema, blocks, flag, number, text, texts
from sandbox.providers.values import UNKNOWN, Props, from_plain, to_plain, to_props

T = TypeVar("T")
Shelf = dict[str, Props]
URN = "urn:pulumi:test::project::toy:index:Thing::mine"


class RefusedError(Exception):
    """What the toy cloud says no with."""


class Thing(Handler[Shelf]):
    """A thing on a shelf."""

    token = "toy:index:Thing"  # noqa: S105 - the type's name
    inputs: ClassVar[Schema] = {
        "name": text(required=True, replaces=True, identity=True),
        "kind": text(replaces=True),
        "size": number(default=1),
        "labels": texts(),
        "password": text(secret=True, write_only=True),
        "forgetful": flag(),
        "broken": flag(write_only=True),
        "gone": flag(),
    }
    outputs = ("address", "serial")
    volatile = ("serial",)
    secret_outputs = ("address",)

    def create(self, cloud: Shelf, wanted: Props) -> str:
        if wanted["name"] in cloud:
            raise RefusedError("taken")
        cloud[wanted["name"]] = {}
        return wanted["name"]

    def settle(self, cloud: Shelf, resource_id: str, wanted: Props) -> None:
        if wanted.get("broken"):
            raise RefusedError("out of glue")
        self.update(cloud, resource_id, {}, wanted)

    def read(self, cloud: Shelf, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        return {"address": f"shelf/{resource_id}", "serial": 7, **cloud[resource_id]}

    def update(self, cloud: Shelf, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        if wanted.get("gone"):
            raise KeyError(resource_id)
        dropped = ["password", "broken", *(["size"] if wanted.get("forgetful") else [])]
        cloud[resource_id] = {key: item for key, item in wanted.items() if key not in dropped}

    def delete(self, cloud: Shelf, resource_id: str, state: Props) -> None:  # noqa: ARG002
        del cloud[resource_id]


class Toy(LocalProvider[Shelf]):
    """A provider whose cloud is a dictionary."""

    package = "toy"
    config: ClassVar[Schema] = {
        "region": text(),
        "loud": flag(default=False),
        "endpoints": blocks({"toy": text()}),
    }

    def __init__(self, shelf: Shelf) -> None:
        super().__init__([Thing()], [Function("toy:index:count", self._count)])
        self.shelf = shelf
        self.settings: Props = {}

    def _count(self, cloud: Shelf, args: Props) -> Props:  # noqa: ARG002
        return {"things": len(cloud)}

    def connect(self, settings: Props) -> None:
        self.settings = settings

    def cloud(self, properties: Props) -> Shelf:  # noqa: ARG002
        return self.shelf

    def is_gone(self, error: Exception) -> bool:
        return isinstance(error, KeyError)

    def reason(self, error: Exception) -> str | None:
        return f"the shelf says {error}" if isinstance(error, RefusedError) else None


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def sealed(props: Mapping[str, Any]) -> dict[str, PropertyValue]:
    return {key: from_plain(value) for key, value in props.items()}


def create(toy: Toy, props: Mapping[str, Any], *, preview: bool = False) -> sdk.CreateResponse:
    return run(toy.create(sdk.CreateRequest(URN, sealed(props), 0, preview)))


def diff(
    toy: Toy, old: Mapping[str, Any], new: Mapping[str, Any], *ignored: str
) -> sdk.DiffResponse:
    return run(toy.diff(sdk.DiffRequest(URN, "a", sealed(old), sealed(new), list(ignored))))


def read(toy: Toy, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> sdk.ReadResponse:
    return run(toy.read(sdk.ReadRequest(URN, "a", sealed(state), sealed(inputs))))


@pytest.fixture
def toy() -> Toy:
    return Toy({})


def test_an_unknown_type_is_refused_with_the_nearest_one(toy: Toy) -> None:
    urn = "urn:pulumi:test::project::toy:index:Thin::mine"
    request = sdk.CheckRequest(urn, {}, {}, b"")

    with pytest.raises(ProviderError, match="'toy:index:Thin' of 'mine'; did you mean 'toy:index:"):
        run(toy.check(request))


def test_a_resource_inside_a_component_is_recognised(toy: Toy) -> None:
    urn = "urn:pulumi:test::project::toy:index:Box$toy:index:Thing::mine"
    request = sdk.CheckRequest(urn, {}, sealed({"name": "a"}), b"")

    assert run(toy.check(request)).failures == []


def test_an_unknown_lookup_is_refused(toy: Toy) -> None:
    with pytest.raises(ProviderError, match="does not know the lookup 'toy:index:conut'"):
        run(toy.invoke(sdk.InvokeRequest("toy:index:conut", {})))


def test_an_argument_that_a_lookup_does_not_know_is_refused(toy: Toy) -> None:
    answer = run(toy.invoke(sdk.InvokeRequest("toy:index:count", sealed({"all": True}))))

    assert [failure.property for failure in answer.failures] == ["all"]


def test_a_check_fills_in_defaults_and_keeps_secrets(toy: Toy) -> None:
    props = {"name": PropertyValue("a", is_secret=True)}

    inputs = run(toy.check(sdk.CheckRequest(URN, {}, props, b""))).inputs

    assert inputs is not None
    assert to_props(inputs) == {"name": "a", "size": 1}
    assert inputs["name"].is_secret


def test_a_typo_is_refused_at_check(toy: Toy) -> None:
    request = sdk.CheckRequest(URN, {}, sealed({"name": "a", "siez": 1}), b"")

    failures = run(toy.check(request)).failures

    assert failures is not None
    assert [failure.property for failure in failures] == ["siez"]


def test_the_preview_of_a_creation_creates_nothing_and_knows_no_outputs(toy: Toy) -> None:
    planned = to_props(create(toy, {"name": UNKNOWN, "size": 1}, preview=True).properties)

    assert toy.shelf == {}
    assert planned == {"name": UNKNOWN, "size": 1, "address": UNKNOWN, "serial": UNKNOWN}


def test_a_creation_returns_what_the_cloud_says(toy: Toy) -> None:
    made = create(toy, {"name": "a", "size": 2, "password": "hush"})

    assert made.resource_id == "a"
    assert to_props(made.properties) == {
        "name": "a",
        "size": 2,
        "password": "hush",
        "address": "shelf/a",
        "serial": 7,
    }


def test_declared_secrets_are_secret(toy: Toy) -> None:
    made = create(toy, {"name": "a", "size": 2, "password": "hush"}).properties

    assert {name for name, value in made.items() if value.is_secret} == {"password", "address"}


def test_an_error_of_the_cloud_names_the_operation_and_the_reason(toy: Toy) -> None:
    create(toy, {"name": "a", "size": 1})

    with pytest.raises(
        ProviderError, match=r"^creating toy:index:Thing 'mine': the shelf says taken$"
    ):
        create(toy, {"name": "a", "size": 1})


def test_what_was_half_made_is_not_lost(toy: Toy) -> None:
    with pytest.raises(UnfinishedError, match="out of glue") as caught:
        create(toy, {"name": "a", "size": 1, "broken": True})

    assert caught.value.resource_id == "a"
    assert to_props(caught.value.state) == {"name": "a", "broken": True}


def test_what_the_emulator_drops_is_an_error(toy: Toy) -> None:
    with pytest.raises(UnfinishedError, match="did not keep 'size': it has nothing there"):
        create(toy, {"name": "a", "size": 3, "forgetful": True})


def test_nothing_changed_is_no_difference(toy: Toy) -> None:
    state = {"name": "a", "size": 1, "labels": ["x", "y"], "address": "shelf/a"}

    assert diff(toy, state, {"name": "a", "size": 1, "labels": ["y", "x"]}).changes is False


def test_a_changed_property_is_an_update(toy: Toy) -> None:
    found = diff(toy, {"name": "a", "size": 1}, {"name": "a", "size": 2})

    assert (found.changes, found.diffs, found.replaces) == (True, ["size"], [])
    assert found.detailed_diff["size"].kind is sdk.PropertyDiffKind.UPDATE


def test_an_immutable_property_is_a_replacement(toy: Toy) -> None:
    found = diff(toy, {"name": "a", "size": 1}, {"name": "b", "size": 1})

    assert found.replaces == ["name"]
    assert not found.delete_before_replace


def test_a_replacement_under_the_same_name_deletes_first(toy: Toy) -> None:
    found = diff(toy, {"name": "a", "size": 1}, {"name": "a", "size": 1, "kind": "new"})

    assert found.replaces == ["kind"]
    assert found.delete_before_replace


def test_ignored_changes_are_none(toy: Toy) -> None:
    old, new = {"name": "a", "labels": ["x"]}, {"name": "a", "labels": ["y"], "size": 1}

    assert diff(toy, old, new, "labels[0]").changes is False


def test_the_preview_of_an_update_knows_what_stays(toy: Toy) -> None:
    old = {"name": "a", "size": 1, "labels": ["x"], "address": "shelf/a", "serial": 7}
    new = {"name": "a", "size": 2}
    request = sdk.UpdateRequest(URN, "a", sealed(old), sealed(new), 0, [], preview=True)

    planned = to_props(run(toy.update(request)).properties)

    assert planned == {"name": "a", "size": 2, "address": "shelf/a", "serial": UNKNOWN}


def test_updating_what_is_gone_says_how_to_find_out(toy: Toy) -> None:
    old, new = {"name": "a", "size": 1}, {"name": "a", "size": 2, "gone": True}
    request = sdk.UpdateRequest(URN, "a", sealed(old), sealed(new), 0, [], preview=False)

    with pytest.raises(ProviderError, match="run `pulumi refresh` first"):
        run(toy.update(request))


def test_a_refresh_tells_the_real_values(toy: Toy) -> None:
    create(toy, {"name": "a", "size": 1})
    toy.shelf["a"]["size"] = 9
    toy.shelf["a"]["kind"] = "strange"

    known = {"name": "a", "size": 1, "password": "hush"}
    found = read(toy, known, known)

    assert to_plain(found.properties["size"]) == 9
    assert to_props(found.inputs) == known | {"size": 9, "kind": "strange"}


def test_an_import_needs_the_id_alone(toy: Toy) -> None:
    create(toy, {"name": "a", "size": 3})

    assert to_props(read(toy, {}, {}).inputs) == {"name": "a", "size": 3}


def test_what_is_gone_is_reported_as_gone(toy: Toy) -> None:
    assert read(toy, {"name": "a"}, {"name": "a"}).resource_id == ""


def test_deleting_what_is_gone_succeeds(toy: Toy) -> None:
    run(toy.delete(sdk.DeleteRequest(URN, "a", sealed({"name": "a"}), 0)))


def configure(toy: Toy, settings: Mapping[str, Any]) -> None:
    run(toy.configure(sdk.ConfigureRequest({}, sealed(settings), True, True)))


def test_settings_come_as_text_and_are_decoded(toy: Toy) -> None:
    configure(toy, {"loud": "true", "endpoints": '[{"toy": "http://x"}]', "version": "1.0"})

    assert toy.settings == {"loud": True, "endpoints": [{"toy": "http://x"}]}


def test_settings_that_are_not_known_yet_are_left_out(toy: Toy) -> None:
    configure(toy, {"region": UNKNOWN})

    assert toy.settings == {"loud": False}


def test_a_setting_that_would_not_be_honoured_is_refused(toy: Toy) -> None:
    request = sdk.CheckRequest("urn", {}, sealed({"regoin": "a", "loud": "very"}), b"")

    failures = run(toy.check_config(request)).failures

    assert failures is not None
    assert [failure.reason for failure in failures] == [
        "nothing here is called 'toy:regoin'; did you mean 'toy:region'?",
        "'toy:loud' must be true or false, not text",
    ]
