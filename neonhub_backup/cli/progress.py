"""Showing how far a run is: bars on a terminal, lines elsewhere, events with `--json`."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neonhub_backup.cli.messages import write_event, writes_events
from neonhub_backup.cli.output import console
from neonhub_backup.progress import Progress
from neonhub_backup.wording import size_text

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

log = logging.getLogger(__name__)

LINE_SECONDS = 10.0
"""Time between two lines where no terminal shows bars."""
EVENT_SECONDS = 1.0
"""Time between two events about one phase."""
BARS = 8
"""Most items that have a bar of their own at the same time."""


def listener() -> Progress:
    """Whoever shows progress the way this run writes everything else."""
    if writes_events():
        return Periodic(EVENT_SECONDS, tell_event)
    if sys.stderr.isatty():
        return Live()
    return Periodic(LINE_SECONDS, tell_line)


@dataclass
class State:
    """A phase as far as it is known."""

    phase: str
    sizes: dict[str, int]
    began: float
    done: dict[str, int] = field(default_factory=dict[str, int])
    places: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    @property
    def bytes_done(self) -> int:
        """Bytes of all items."""
        return sum(self.done.values())

    @property
    def bytes_in_all(self) -> int:
        """Bytes that there are to do."""
        return sum(self.sizes.values())

    def rate(self, now: float) -> float:
        """Bytes a second since the phase began."""
        return self.bytes_done / max(now - self.began, 1e-3)

    def seconds_left(self, now: float) -> float | None:
        """Time that is left at this rate. None: nobody can tell."""
        rate = self.rate(now)
        if not rate or not self.bytes_in_all:
            return None
        return max(0, self.bytes_in_all - self.bytes_done) / rate

    def at_work(self) -> dict[str, float]:
        """Items begun and not done, each with its share from 0 to 1."""
        shares = {
            item: done / self.sizes[item]
            for item, done in self.done.items()
            if self.sizes.get(item)
        }
        shares |= {item: done / total for item, (done, total) in self.places.items() if total}
        # Shares of a table are estimates, which need not add up to the last byte.
        return {item: share for item, share in shares.items() if share < 0.999}


Teller = Callable[[State, float], None]


class Periodic:
    """Tells the state of a phase now and then, and at its end if it told it before."""

    def __init__(
        self, seconds: float, tell: Teller, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`tell` gets the state and the time."""
        self._seconds = seconds
        self._tell = tell
        self._clock = clock
        self._guard = threading.Lock()
        self._state: State | None = None
        self._told = 0.0

    def begin(self, phase: str, sizes: Mapping[str, int]) -> None:
        """A phase begins."""
        with self._guard:
            self._told = self._clock()
            self._state = State(phase, dict(sizes), self._told)

    def advance(self, item: str, count: int) -> None:
        """Bytes were done."""
        with self._guard:
            if self._state is not None:
                self._state.done[item] = self._state.done.get(item, 0) + count
                self._tell_in_time(self._state)

    def place(self, item: str, done: int, total: int) -> None:
        """Something else was done."""
        with self._guard:
            if self._state is not None:
                self._state.places[item] = done, total
                self._tell_in_time(self._state)

    def end(self) -> None:
        """A phase that was told of is told once more."""
        with self._guard:
            if self._state is not None and self._told > self._state.began:
                self._tell(self._state, self._clock())
            self._state = None

    def _tell_in_time(self, state: State) -> None:
        now = self._clock()
        if now - self._told >= self._seconds:
            self._told = now
            self._tell(state, now)


def tell_line(state: State, now: float) -> None:
    """A line for people who read logs."""
    parts = [f"{state.phase}: {size_text(state.bytes_done)}"] if state.bytes_done else [state.phase]
    if state.bytes_in_all:
        share = min(1.0, state.bytes_done / state.bytes_in_all)
        parts[0] += f" of {size_text(state.bytes_in_all)} ({share:.0%})"
        parts.append(f"{size_text(round(state.rate(now)))}/s")
    left = state.seconds_left(now)
    if left is not None:
        parts.append(f"{_clock_text(left)} left")
    items = [f"{item} {share:.0%}" for item, share in state.at_work().items()][:BARS]
    if items:
        parts.append(f"at {', '.join(items)}")
    log.info("%s", ", ".join(parts))


def tell_event(state: State, now: float) -> None:
    """An event for machines: bytes, bytes a second, seconds, and the share of each item at work."""
    left = state.seconds_left(now)
    write_event(
        "progress",
        phase=state.phase,
        bytes=state.bytes_done,
        bytes_in_all=state.bytes_in_all or None,
        bytes_per_second=round(state.rate(now)),
        seconds_left=None if left is None else round(left, 1),
        at_work={item: round(share, 3) for item, share in state.at_work().items()},
    )


class Live:
    """Bars on a terminal: one for the phase, one for each item at work."""

    def __init__(self) -> None:
        """Nothing is shown before a phase begins."""
        self._guard = threading.Lock()
        self._bars: Bars | None = None
        self._whole: TaskID | None = None
        self._items: dict[str, TaskID] = {}
        self._sizes: dict[str, int] = {}

    def begin(self, phase: str, sizes: Mapping[str, int]) -> None:
        """Show the bar of a phase."""
        from rich import progress  # noqa: PLC0415 - a tenth of a second, which only terminals need

        self.end()
        with self._guard:
            self._sizes = dict(sizes)
            self._bars = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(),
                progress.TaskProgressColumn(),
                *(
                    (
                        progress.DownloadColumn(binary_units=True),
                        progress.TransferSpeedColumn(),
                    )
                    if sizes
                    else ()
                ),
                progress.TimeRemainingColumn(),
                console=console(sys.stderr),
                transient=True,
            )
            self._whole = self._bars.add_task(phase, total=sum(sizes.values()) or None)
            self._bars.start()

    def advance(self, item: str, count: int) -> None:
        """Move the bars."""
        with self._guard:
            if self._bars is None or self._whole is None:
                return
            self._bars.advance(self._whole, count)
            task = self._task(item, self._sizes.get(item) or None)
            if task is not None:
                self._bars.advance(task, count)
                self._hide_if_done(task)

    def place(self, item: str, done: int, total: int) -> None:
        """Move an item's bar."""
        with self._guard:
            if self._bars is None:
                return
            task = self._task(item, total)
            if task is not None:
                self._bars.update(task, completed=done, total=total)
                self._hide_if_done(task)

    def end(self) -> None:
        """Take the bars away."""
        with self._guard:
            if self._bars is not None:
                self._bars.stop()
            self._bars = None
            self._items = {}

    def _task(self, item: str, total: int | None) -> "TaskID | None":
        assert self._bars is not None  # noqa: S101 - the callers have looked
        if item not in self._items and sum(task.visible for task in self._bars.tasks) <= BARS:
            self._items[item] = self._bars.add_task(f"  {item}", total=total)
        return self._items.get(item)

    def _hide_if_done(self, task: "TaskID") -> None:
        assert self._bars is not None  # noqa: S101 - as above
        if self._bars.tasks[task].finished:
            self._bars.update(task, visible=False)


def _clock_text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
