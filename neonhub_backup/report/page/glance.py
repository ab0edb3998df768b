"""How every environment stands, what is wrong in this one, and what its stores show."""

from collections.abc import Callable, Iterator

from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.report import shown
from neonhub_backup.report.markup import Content, Markup, element, join
from neonhub_backup.report.page.parts import badge, facts, folded, section, table
from neonhub_backup.report.shown import Field

_OLD_SECONDS = 3600
"""A status that is older may be of another environment than there is by now."""


def glance(document: Field) -> Markup:
    """A card for each environment."""
    cards = [_card(each) for each in document["environments"]]
    return section(
        "glance",
        "At a glance",
        element("p", "Of each environment, what is worst among its databases and stores."),
        element("ul", cards, class_="cards"),
    )


def findings(document: Field) -> Markup:
    """Every promise that does not hold, and what to do."""
    found = document["status"]["findings"]
    said: list[Content] = [
        element("ul", [_finding(each) for each in found], class_="findings")
        if found
        else element("p", "Nothing: every promise holds.")
    ]
    if document["unread"]:
        said += [
            element("p", "What is older than this is not known of every store, and is left out:"),
            element(
                "ul",
                [
                    element("li", shown.words(each["store"]), ": ", shown.words(each["text"]))
                    for each in document["unread"]
                ],
            ),
        ]
    return section("findings", "What is wrong", *said)


def databases(document: Field) -> Markup:
    """Each database in each of its stores."""
    return section(
        "databases",
        "Databases",
        [_database(each, document["status"]) for each in document["status"]["databases"]],
    )


def objectives(document: Field) -> Markup:
    """What was promised, beside all that was measured of it."""
    found = document["status"]["objectives"]
    ways = [(Scenario(each["scenario"].value).words, each) for each in found["rto"]]
    return section(
        "objectives",
        "Promised and measured",
        table(
            "objectives",
            ["", "#promised", "#last", "#median", "#worst", "#times"],
            [_objective(*each) for each in [("what may be lost", found["rpo"]), *ways]],
        ),
    )


def _objective(title: str, measured: Field) -> list[Content]:
    return [
        title,
        shown.duration(measured["target_seconds"], "nothing"),
        *(
            shown.taken(measured[key], "-")
            for key in ("last_seconds", "median_seconds", "worst_seconds")
        ),
        shown.count(measured["measured"]),
    ]


def _card(environment: Field) -> Markup:
    looked = environment["taken_age_seconds"]
    old = looked.value > _OLD_SECONDS
    return element(
        "li",
        element("h3", shown.words(environment["environment"]), " ", badge(environment["verdict"])),
        facts(
            ("breaches", shown.count(environment["breaches"])),
            ("warnings", shown.count(environment["warnings"])),
            ("databases", shown.count(environment["databases"])),
            (
                "looked at",
                element("span", shown.age(looked), " before", class_="old" if old else None),
            ),
            (
                "age of the newest backup",
                _beside(environment["age_seconds"], environment["rpo_seconds"]),
            ),
            (
                "age of the newest proof",
                _owed(environment["proof_age_seconds"], environment["prove_every_seconds"]),
            ),
            (
                "last recovery took",
                join(
                    shown.taken(environment["recovery_seconds"], "never measured"),
                    "; ",
                    shown.duration(environment["recovery_target_seconds"], "nothing"),
                    " promised",
                ),
            ),
        ),
        class_="card",
    )


def _beside(age: Field, promised: Field) -> Markup:
    return join(shown.age(age, "missing"), "; ", shown.duration(promised, "nothing"), " promised")


def _owed(age: Field, every: Field) -> Markup:
    return join(shown.age(age, "missing"), "; owed every ", shown.duration(every))


def _finding(finding: Field) -> Markup:
    where = [
        shown.words(finding[key]) for key in ("database", "store") if finding[key].value is not None
    ]
    return element(
        "li",
        badge(finding["verdict"]),
        " ",
        element("span", shown.words(finding["check"]), class_="check"),
        [[" · ", each] for each in where],
        element("p", shown.advice(finding["text"])),
    )


def _database(database: Field, status: Field) -> Markup:
    stores = list(database["stores"])
    columns = ["", *(str(store["store"].value) for store in stores)]
    name = database["database"].value

    def lines(measures: Iterator[tuple[Content, list[Markup]]]) -> list[list[Content]]:
        return [[title, *cells] for title, cells in measures]

    return join(
        element("h3", shown.words(database["database"])),
        facts(
            (
                "newest backup, where it is oldest",
                _beside(database["age_seconds"], status["rpo_seconds"]),
            ),
            (
                "newest proof, where it is oldest",
                _owed(database["proof_age_seconds"], status["prove_every_seconds"]),
            ),
            ("size against a week before", shown.percent(database["size_change_percent"])),
            *(_archive(database["wal"]) if database["wal"] else ()),
        ),
        table(f"{name} in each store", columns, lines(_measures(stores))),
        folded(
            "Its address, its tiers and its drills",
            table(f"more of {name} in each store", columns, lines(_further(stores))),
        ),
    )


def _archive(wal: Field) -> list[tuple[str, Content]]:
    return [
        ("archived WAL", shown.words(wal["address"])),
        (
            "newest base backup",
            join(shown.words(wal["base"]), ", ", shown.age(wal["base_age_seconds"]), " old"),
        ),
        (
            "newest WAL",
            join(shown.words(wal["newest"]), ", ", shown.age(wal["lag_seconds"]), " old"),
        ),
        ("first missing WAL", shown.words(wal["missing"])),
    ]


def _measures(stores: list[Field]) -> Iterator[tuple[str, list[Markup]]]:
    """What matters of each store, a line each."""
    yield "newest backup", [_newest(each, "name", shown.words) for each in stores]
    yield "its age", [shown.age(each["age_seconds"], "none") for each in stores]
    yield "its size", [_newest(each, "bytes", shown.size) for each in stores]
    yield "against a week before", [shown.percent(each["size_change_percent"]) for each in stores]
    yield "its rows", [_newest(each, "rows", shown.count) for each in stores]
    yield "proven last", [shown.words(each["proven"], "never") for each in stores]
    yield "age of that proof", [shown.age(each["proof_age_seconds"], "none") for each in stores]
    yield (
        "last recovery",
        [shown.taken(each["recovery"]["last_seconds"], "never measured") for each in stores],
    )
    yield "promised", [shown.taken(each["recovery"]["target_seconds"]) for each in stores]


def _further(stores: list[Field]) -> Iterator[tuple[Content, list[Markup]]]:
    """What else is known of each."""
    yield "address", [shown.words(each["address"]) for each in stores]
    yield "reached", [shown.yes_no(each["reachable"], "yes", "no") for each in stores]
    yield "drills that were measured", [shown.count(each["recovery"]["drills"]) for each in stores]
    for key, title in (("median_seconds", "usual"), ("worst_seconds", "longest")):
        yield (
            f"{title} recovery",
            [shown.taken(each["recovery"][key], "never measured") for each in stores],
        )
    yield "newest backup begun", [_newest(each, "started", shown.moment) for each in stores]
    yield "its tier", [_newest(each, "tier", shown.words) for each in stores]
    if any(each["replica"] for each in stores):
        yield "its replica", [_replica(each, "address", shown.words) for each in stores]
        yield (
            "newest whole backup there",
            [_replica(each, "newest", shown.words) for each in stores],
        )
        yield "its age there", [_replica(each, "age_seconds", shown.age) for each in stores]
    for tier in dict.fromkeys(tier for each in stores for tier in each["tiers"].value):
        yield f"newest {tier} backup", [_of_tier(each["tiers"], tier) for each in stores]


def _replica(store: Field, key: str, show: Callable[[Field], Markup]) -> Markup:
    replica = store["replica"]
    return shown.words(replica) if replica.value is None else show(replica[key])


def _of_tier(tiers: Field, tier: str) -> Markup:
    return shown.moment(tiers[tier]) if tier in tiers.value else join("none")


def _newest(store: Field, key: str, show: Callable[[Field], Markup]) -> Markup:
    newest = store["newest"]
    return shown.words(newest) if newest.value is None else show(newest[key])
