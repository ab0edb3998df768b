"""Objects of a backup on their way through gpg: into a pipeline, or back as plain streams."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from neonhub_backup.compression import DECOMPRESS
from neonhub_backup.domain.manifest import StoredObject
from neonhub_backup.errors import BackupError, ProgramError
from neonhub_backup.holdings.source import Source
from neonhub_backup.processes import Pipeline, Programs, StoppedError


class Stream(Iterator[bytes]):
    """Blocks of an object's content, decrypted and decompressed."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Nothing is read yet."""
        self._blocks = pipeline.blocks()
        self.ended = False

    def __next__(self) -> bytes:
        """The next block."""
        for block in self._blocks:
            return bytes(block)
        self.ended = True
        raise StopIteration


@contextmanager
def plain(source: Source, stored: StoredObject, programs: Programs, item: str) -> Generator[Stream]:
    """An object's content. Left without an error, all of it was read and is what was written.

    `item` is what those who watch the progress know it as.

    Raises:
        IntegrityError: it is not, whatever went wrong with the reading because of it.
    """
    commands = [source.decrypt.command(), DECOMPRESS]
    with (
        ThreadPoolExecutor(1, "feed") as pool,
        Pipeline(programs, commands, fed=True) as pipeline,
    ):
        feeding = pool.submit(feed, source, stored, pipeline, programs, item)
        stream = Stream(pipeline)
        try:
            yield stream
            feeding.result()
            pipeline.finish()
        except BaseException as failure:
            if not stream.ended:
                programs.stop()
            cause = feeding.exception()
            if isinstance(failure, Exception) and isinstance(cause, BackupError) and stream.ended:
                raise cause from failure
            raise


def feed(
    source: Source, stored: StoredObject, pipeline: Pipeline, programs: Programs, item: str | None
) -> None:
    """Give a pipeline all of an object as it is stored, and then the end of its input.

    `item` is what those who watch the progress know it as. None: they are not told.

    Raises:
        IntegrityError: it is not what was written, whatever the pipeline made of it.
        ProgramError: a program of the pipeline died of something else.
    """
    blocks = source.blocks(stored)
    try:
        for block in blocks:
            pipeline.write(block)
            if item is not None:
                programs.progress.advance(item, len(block))
    except StoppedError:
        raise
    except ProgramError:
        # A damaged object is what ends gpg, and the check at its end says so.
        for _ in blocks:
            pass
        raise
    finally:
        pipeline.end_input()
