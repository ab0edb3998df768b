"""The result of a drill says what it found, and shows when it was changed."""

import pytest
from pydantic import ValidationError

from neonhub_backup.domain.proof import Proof, Seconds, dump_proof, load_proof
from neonhub_backup.errors import IntegrityError
from tests.neonhub_backup.samples import location, proof

KEY = "s3://backups/drills/20260105T020000Z-0badcafe.json"
PROOF = proof(location())


def test_a_result_survives_being_stored() -> None:
    assert load_proof(dump_proof(PROOF), KEY) == PROOF


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (b"", "is no result of a drill"),
        (b"[]", "is no result of a drill"),
        (dump_proof(PROOF)[:-100], "is no result of a drill"),
        (dump_proof(PROOF).replace(b'"proven": true', b'"proven": false'), "was changed after"),
    ],
)
def test_a_result_that_cannot_be_trusted_is_refused(stored: bytes, reason: str) -> None:
    with pytest.raises(IntegrityError, match=f"{KEY} {reason}.*drill the backup once more"):
        load_proof(stored, KEY)


def test_a_field_of_a_later_version_is_refused_by_name() -> None:
    class Later(Proof):
        latency: int = 1

    later = Later.model_validate(PROOF.model_dump())

    with pytest.raises(IntegrityError, match=r"cannot read \(latency: "):
        load_proof(dump_proof(later), KEY)


@pytest.mark.parametrize(
    ("differences", "defects", "accepted", "proven"),
    [
        ((), (), False, True),
        (("x",), (), False, False),
        ((), ("x",), False, False),
        ((), ("x",), True, True),
        (("x",), ("x",), True, False),
    ],
)
def test_what_was_found_decides_whether_a_backup_is_proven(
    differences: tuple[str, ...], defects: tuple[str, ...], accepted: bool, proven: bool
) -> None:
    content = PROOF.model_dump() | {
        "differences": differences,
        "defects": defects,
        "accepts_defects": accepted,
    }

    assert Proof.model_validate(content | {"proven": proven}).proven is proven
    with pytest.raises(ValidationError, match="proven contradicts what was found"):
        Proof.model_validate(content | {"proven": not proven})


def test_recovery_takes_until_everything_was_read_checked_and_indexed() -> None:
    whole = Seconds(verify=1.0, data=2.0, search=3.5, compare=0.5, total=6.0, objective=None)

    assert whole.recovery == 4.5
    assert whole.model_copy(update={"search": None}).recovery is None


def test_a_recovery_is_late_when_it_takes_longer_than_promised() -> None:
    taken = proof(location()).seconds

    assert taken.late is None
    assert taken.model_copy(update={"objective": 4.0}).late is None
    assert taken.model_copy(update={"objective": 1.0, "search": None}).late is None
    assert (
        taken.model_copy(update={"objective": 60.0, "search": 74.0}).late
        == "recovery took 1.2 min, and the objective is 1.0 min"
    )
