"""The eleven steps of the disaster checklist, in their order."""

from typing import NamedTuple


class Item(NamedTuple):
    """One step."""

    name: str
    """What the journal calls it."""
    title: str
    """What is to be done, as the checklist says it."""
    runs: str
    """What the tool does by itself."""
    question: str | None
    """What it asks whoever is on call. None: nothing."""


SCOPE, STOP, BACK_UP, KNOWN_GOOD = "scope", "stop-traffic", "back-up", "known-good"
STAGE, VERIFY, MIGRATE, SWITCH = "restore-to-staging", "verify", "migrate", "switch"
RESUME, MONITOR, DOCUMENT = "resume-traffic", "monitor", "document"

CHECKLIST = (
    Item(
        SCOPE,
        "Identify the failure's scope: single table, full database or infrastructure",
        "looks at every store, at the database and at who is connected",
        "What is affected, a table, the whole database or the infrastructure, and since when?",
    ),
    Item(
        STOP,
        "Stop application traffic, so that no more data is corrupted",
        "lists what the settings say is to be stopped, and who is still connected",
        "What was stopped, and by whom?",
    ),
    Item(
        BACK_UP,
        "Create an emergency backup of the current state",
        "backs it up to every store",
        None,
    ),
    Item(
        KNOWN_GOOD,
        "Identify the last known-good backup within the RPO",
        "chooses the newest backup that is not of the damaged state, and says whether it is proven",
        None,
    ),
    Item(
        STAGE,
        "Restore the backup to a staging environment first",
        "restores it into the database that `--into` names; without, it says the command",
        "Where was the backup restored to, and how did it go?",
    ),
    Item(
        VERIFY,
        "Verify data integrity with smoke tests",
        "asks the restored copy the configuration's checks, and runs its smoke test",
        "How was the restored copy tried, and what came of it?",
    ),
    Item(
        MIGRATE,
        "Apply any missing migrations",
        "runs the configuration's command on the restored copy",
        "Which migrations were missing, and were they applied?",
    ),
    Item(
        SWITCH,
        "Put the backup in production's place, and update DNS and connection strings if needed",
        "says the command, and finds in the journal what it did",
        "What was restored in production, and which addresses were changed?",
    ),
    Item(
        RESUME,
        "Resume application traffic",
        "lists what the settings say is to be started again",
        "What was started again, and by whom?",
    ),
    Item(
        MONITOR,
        "Monitor for errors and performance issues",
        "looks at every store, at the database and at who is connected",
        "Which errors or slow queries were seen since, and for how long did you watch?",
    ),
    Item(
        DOCUMENT,
        "Document the incident in a post-mortem",
        "`dr finish` writes its draft",
        "What was the cause, and what must be done so that it does not happen again?",
    ),
)
