"""One command at a time works in an output folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from TemporalReconLib.errors import InputError

_LOCK_FILE = ".lock"


@contextmanager
def alone_in(folder: Path, command: str) -> Iterator[None]:
    """Nobody else works in the folder meanwhile; a process that is killed leaves it to the next one.

    Parameters
    ----------
    command
        What works there, for the message to the next one.

    Raises
    ------
    InputError
        If somebody does, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK_FILE)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise InputError(
            f"--output {folder}: another '{command}' is working in it; wait for it, or give another folder"
        ) from error
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be made ({error.strerror or error})") from error
    try:
        yield
    finally:
        lock.release()
