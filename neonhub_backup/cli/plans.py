"""What an emergency restore is going to do, in lines for people."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from neonhub_backup.wording import minutes_text, size_text


def plan_lines(plan: Mapping[str, Any], rpo: timedelta | None) -> list[str]:
    """What `--dry-run` shows, for people."""
    proven = "proven by a drill" if plan["proven"] else "not proven by a drill"
    window = span(timedelta(seconds=plan["seconds_lost"]))
    promise = {
        None: "",
        True: f", within the objective of {span(rpo or timedelta())}",
        False: f", MORE than the objective of {span(rpo or timedelta())}",
    }[plan["within_rpo"]]
    lines = [
        f"emergency restore of {plan['target']} ({plan['environment']}, {plan['database']})",
        f"  from {plan['tier']} backup {plan['backup']} in {', '.join(plan['stores'])}, {proven}",
        f"  what changed since {plan['started']} is not in it: the last {window}{promise}",
    ]
    connections = plan["connections"]
    size = plan["database_bytes"]
    lines.append(f"  what is there now: {'nothing' if size is None else size_text(size)}")
    lines.append(f"  connections now: {len(connections) or 'none'}")
    lines += [f"    {connection}" for connection in connections]
    for number, step in enumerate(plan["steps"], 1):
        settled = " (settled already)" if step["settled"] else ""
        head, *rest = step["does"]
        lines.append(f"  {number} {step['name']:<13} {head}{settled}")
        lines += [f"    {'':<13} {line}" for line in rest]
    return [*lines, f"  journal: {plan['journal']}"]


def span(time: timedelta) -> str:
    """A length of time for people, in its two largest units: whole minutes that are over."""
    minutes = round(time.total_seconds()) // 60
    return f"{round(time.total_seconds())} s" if minutes < 1 else minutes_text(minutes)
