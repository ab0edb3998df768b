"""Values that several tests of the tool need."""

from datetime import UTC, datetime

from neonhub_backup.domain.layout import Location, new_location
from neonhub_backup.domain.manifest import Manifest, Origin, Schema, Server, StoredObject
from neonhub_backup.domain.proof import Counts, Proof, Seconds
from neonhub_backup.domain.recoveries import Recovery, Scenario
from neonhub_backup.domain.retention import Tier

SHA256 = "0123456789abcdef" * 4
SERVER = Server(
    version="18.6",
    version_num=180006,
    encoding="UTF8",
    locale_provider="c",
    collate="C.UTF-8",
    ctype="C.UTF-8",
    locale=None,
    superuser="postgres",
)


def at(day: int, hour: int = 2) -> datetime:
    """A time in January 2026."""
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def location(tier: Tier = Tier.DAILY, day: int = 5, hour: int = 2) -> Location:
    """The place of a backup begun in January 2026."""
    return new_location(tier, at(day, hour))


def manifest(place: Location, database: str = "app") -> Manifest:
    """The manifest of a backup that holds next to nothing."""
    return Manifest(
        name=place.name,
        tier=place.tier,
        environment="test",
        database=database,
        started=place.started,
        finished=place.started,
        tool_version="0.1.0",
        origin=Origin(host="runner", user="backup", run=None),
        server=SERVER,
        extensions={},
        roles=(),
        schema=Schema(fingerprint=SHA256, objects={}),
        archive=StoredObject(name="archive.dump.zst.gpg", bytes=1, sha256=SHA256),
        archive_major=18,
        large_objects=0,
        tables=(),
        recipients=("A" * 40,),
    )


def proof(place: Location, *, day: int = 6, differences: tuple[str, ...] = ()) -> Proof:
    """The result of a drill in January 2026; without differences it proves the backup."""
    return Proof(
        backup=place.name,
        tier=place.tier,
        database="app",
        environment="test",
        manifest_digest=SHA256,
        store="disk",
        address="/mnt/backup",
        started=at(day),
        finished=at(day),
        tool_version="0.1.0",
        origin=Origin(host="runner", user="drill", run=None),
        server="18.6",
        settings={"fsync": "off"},
        counts=Counts(
            tables=0,
            rows=0,
            large_objects=0,
            objects=2,
            bytes=1,
            schema_objects=0,
            foreign_keys=0,
            sequences=0,
            indexes=0,
            btrees=0,
        ),
        seconds=Seconds(verify=1.0, data=2.0, search=3.0, compare=0.5, total=5.0, objective=None),
        checks=(),
        recall=(),
        differences=differences,
        defects=(),
        notes=(),
        accepts_defects=False,
        proven=not differences,
    )


def recovery(finished: datetime, scenario: Scenario, seconds: float) -> Recovery:
    """A restore of production's database that took so long."""
    return Recovery(
        scenario=scenario,
        environment="production",
        database="app",
        command="restore",
        source="20260105T020000Z-0badcafe",
        store="aws",
        finished=finished,
        seconds=seconds,
        origin=Origin(host="db1", user="me", run=None),
        tool_version="1.0",
    )
