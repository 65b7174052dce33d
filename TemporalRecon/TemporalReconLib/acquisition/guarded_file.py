"""A file whose failing disk HDF5 never learns of."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any


class GuardedFile(io.FileIO):
    """For ``h5py.File(GuardedFile(path), "w")``: keeps the first error of the disk for :meth:`require_intact`.

    The HDF5 library does not survive a failed write: it reports it, but crashes the process when that ends. So
    what comes after the first failure is taken and thrown away, and the owner asks whether there was one.

    Parameters
    ----------
    path
        Must not exist yet.

    Raises
    ------
    OSError
        If the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+")
        self.failure: OSError | None = None

    def require_intact(self) -> None:
        """Raises the OSError of the first write that failed."""
        if self.failure is not None:
            raise self.failure

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while len(rest) and self.failure is None:
            written = self._attempt(super().write, rest)
            rest = rest[written:]
        return size

    def truncate(self, size: int | None = None) -> int:
        return self._attempt(super().truncate, size)

    def _attempt(self, operation: Callable[[Any], int | None], argument: Any) -> int:
        if self.failure is None:
            try:
                return operation(argument) or 0
            except OSError as error:
                self.failure = error
        return 0
