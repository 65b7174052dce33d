"""Folders appear whole under their name, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from TemporalReconLib.errors import InputError


@contextmanager
def folder_written_atomically(folder: Path, files: tuple[str, ...]) -> Iterator[Path]:
    """Give a new folder beside ``folder``; renamed to it on success, removed on any failure.

    An older folder of the same kind is replaced.

    Parameters
    ----------
    files
        Relative names of the files such a folder may hold. An existing folder with any other file is somebody's
        work and is left alone.

    Raises
    ------
    InputError
        If there is a file of that name, a folder with other files, or the disk refuses.
    """
    folder = folder.absolute()
    _require_replaceable(folder, files)
    fresh = folder.with_name(f".{os.getpid()}.partial.{folder.name}")
    old = folder.with_name(f".{os.getpid()}.old.{folder.name}")
    try:
        fresh.mkdir(parents=True)
        yield fresh
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        if old.exists() and not folder.exists():
            old.replace(folder)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _require_replaceable(folder: Path, files: tuple[str, ...]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"cannot write {folder}: a file of that name is there; give the name of a folder")
    others = sorted(
        {str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file()} - set(files)
    )
    if others:
        raise InputError(
            f"cannot write {folder}: it holds other files ({', '.join(others[:3])}); give a folder of its own"
        )
