"""Output files appear whole under their name, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from TemporalReconLib.errors import InputError


def require_writable(path: Path) -> None:
    """Find out before long work whether ``path`` can be written.

    Raises
    ------
    InputError
        If its folder does not exist or cannot be written to, or if it is a folder itself.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; give a file name")
    if not folder.is_dir():
        raise InputError(f"cannot write {path}: folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        raise InputError(f"cannot write {path}: no permission to write to {folder}")


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` (same suffixes); renamed on success, removed on any failure.

    Raises
    ------
    InputError
        If the file cannot be written (permission, full disk).
    """
    require_writable(path)
    temporary = path.with_name(f".{os.getpid()}.partial.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
