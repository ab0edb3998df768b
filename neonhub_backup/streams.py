"""Work done side by side, where the first failure ends the rest."""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from neonhub_backup.processes import Programs


def parallelism() -> int:
    """How many streams run side by side: one per core, and never fewer than two."""
    return max(2, os.cpu_count() or 2)


@contextmanager
def workers() -> Generator[ThreadPoolExecutor]:
    """Threads for as many streams; all have ended once this is left."""
    pool = ThreadPoolExecutor(parallelism(), "stream")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def settle(futures: Sequence[Future[Any]], programs: Programs) -> None:
    """Wait for all; at the first failure, or Ctrl-C, end every program and raise it."""
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    except BaseException:
        programs.stop()
        for future in futures:
            future.cancel()
        raise
