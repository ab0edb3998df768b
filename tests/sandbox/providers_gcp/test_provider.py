"""What a user is told when Google refuses, is not there, or was configured wrongly."""

import pytest

from sandbox.providers.framework import ProviderError, diff
from sandbox.providers.gcp.buckets import Bucket
from sandbox.providers.gcp.client import Gcp, GoogleError, UnreachableError, variable
from sandbox.providers.gcp.federation import WorkloadIdentityPoolProvider
from sandbox.providers.gcp.handler import parts
from sandbox.providers.gcp.kms import CryptoKey
from sandbox.providers.gcp.provider import GcpProvider
from sandbox.providers.schema import completed
from sandbox.providers.values import Props

NOWHERE = "http://127.0.0.1:1/v1/"
SETTINGS = {"addPulumiAttributionLabel": True, "project": "neonhub-test"}


def _connected(**settings: object) -> Gcp:
    provider = GcpProvider()
    provider.connect({**SETTINGS, **settings})
    return provider.cloud({})


def test_a_service_without_an_address_is_never_googles_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("GOOGLE_KMS_CUSTOM_ENDPOINT", raising=False)
    with pytest.raises(ProviderError, match=r"gcp:kmsCustomEndpoint is missing.*GOOGLE_KMS_CUSTOM"):
        _connected().get("kms", "anything")


def test_the_environment_may_say_where_a_service_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GOOGLE_IAM_BETA_CUSTOM_ENDPOINT", "http://127.0.0.1:1/v1")

    assert _connected().endpoints["iamBeta"] == NOWHERE
    assert variable("iamBetaCustomEndpoint") == "GOOGLE_IAM_BETA_CUSTOM_ENDPOINT"


def test_a_missing_project_is_named(monkeypatch: pytest.MonkeyPatch):
    for name in ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CLOUDSDK_CORE_PROJECT", raising=False)
    provider = GcpProvider()
    provider.connect({"addPulumiAttributionLabel": True})

    with pytest.raises(ProviderError, match="set gcp:project"):
        Bucket().wanted(provider.cloud({}), {"name": "b"})


def test_an_address_where_nothing_answers_is_named():
    cloud = _connected(kmsCustomEndpoint=NOWHERE)
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1/v1/") as refused:
        cloud.get("kms", "anything")

    assert GcpProvider().reason(refused.value) == f"{refused.value}: is the emulator running?"


def test_only_not_found_means_gone():
    provider = GcpProvider()

    assert provider.is_gone(GoogleError("GET x", 404, "not found"))
    assert not provider.is_gone(GoogleError("GET x", 403, "denied"))
    assert provider.reason(ValueError("a bug")) is None


@pytest.mark.parametrize(
    ("attribution", "labels"),
    [
        (True, {"goog-pulumi-provisioned": "true", "a": "own", "b": "stack"}),
        (False, {"a": "own", "b": "stack"}),
    ],
)
def test_labels_are_those_of_plugin_stack_and_resource(attribution: bool, labels: dict[str, str]):
    cloud = _connected(
        addPulumiAttributionLabel=attribution, defaultLabels={"a": "stack", "b": "stack"}
    )
    wanted = Bucket().wanted(cloud, {"labels": {"a": "own"}})

    assert wanted["effectiveLabels"] == labels


def test_an_id_of_another_shape_is_refused():
    assert parts("p/s", "{project}/{service}") == {"project": "p", "service": "s"}
    with pytest.raises(ProviderError, match="must look like"):
        parts("projects/p/services/s", "{project}/{service}")


def _problems(bucket: Props) -> list[str]:
    inputs = completed(Bucket.inputs, {"name": "b", "location": "US", **bucket})
    return [problem.reason for problem in Bucket().problems(inputs)]


def test_regions_in_small_letters_are_refused_because_they_never_settle():
    placement = {"dataLocations": ["US-EAST1", "us-west1"]}

    assert "write 'US-WEST1'" in _problems({"customPlacementConfig": placement})[0]


def test_a_lifecycle_rule_needs_a_condition_that_is_sent():
    rule = {"action": {"type": "Delete"}, "condition": {"age": 0}}

    assert "says nothing" in _problems({"lifecycleRules": [rule]})[0]
    rule["condition"] = {"age": 0, "sendAgeIfZero": True}
    assert _problems({"lifecycleRules": [rule]}) == []


@pytest.mark.parametrize("identifier", ["abc", "gcp-x", "UPPER"])
def test_an_id_that_google_would_refuse_is_refused_at_preview(identifier: str):
    inputs: Props = {
        "workloadIdentityPoolId": "pool",
        "workloadIdentityPoolProviderId": identifier,
        "oidc": {},
    }

    assert len(list(WorkloadIdentityPoolProvider().problems(inputs))) == 1


@pytest.mark.parametrize("period", ["90d", "3600s"])
def test_a_key_rotates_at_most_daily(period: str):
    assert list(CryptoKey().problems({"rotationPeriod": period}))


@pytest.mark.parametrize(
    ("change", "replaced"),
    [
        ({"location": "us"}, None),
        ({"location": "EU"}, "location"),
        ({"enableObjectRetention": True}, "enableObjectRetention"),
        ({"storageClass": "NEARLINE"}, ""),
    ],
)
def test_only_what_google_fixes_makes_another_bucket(change: Props, replaced: str | None):
    old = {"name": "b", "location": "US", "storageClass": "STANDARD", "forceDestroy": False}
    found = diff(Bucket(), old=old, new={**old, **change})

    assert found.changes is (replaced is not None)
    assert (found.replaces or []) == ([replaced] if replaced else [])
