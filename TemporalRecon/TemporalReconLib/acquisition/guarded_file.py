"""A file that HDF5 cannot leave half-written, and whose failing disk HDF5 never learns of."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

# HDF5 file format, "Global Heap".
_HEAP_SIGNATURE = b"GCOL"


class GuardedFile(io.FileIO):
    """For ``h5py.File(GuardedFile(path), "w")``: readable after every flush even if the process is killed in the next.

    HDF5 changes its tables in place and in any order, so a process that is killed meanwhile leaves a file that nobody
    can read. Here bytes behind the end of the last flush are written at once, since nothing refers to them yet; changes
    before it wait for the flush and are then made in an order in which every state in between can be read: the first
    block (which knows the size of the file), heaps (to which objects are only added), then the rest from the end to
    the beginning, so that data and indices are there before the header that refers to them. A power failure is another
    matter: nothing is forced to the disk.

    The HDF5 library does not survive a failed write either: it reports it, but crashes the process when that ends. So
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
        self._committed_size = 0
        # Changes before the committed end, by position; the order of dictionaries is that of the changes.
        self._changes: dict[int, bytes] = {}

    def require_intact(self) -> None:
        """Raises the OSError of the first write that failed."""
        if self.failure is not None:
            raise self.failure

    def write(self, data: Any) -> int:
        content = memoryview(data).cast("B")
        position = self.tell()
        n_changed = max(0, min(len(content), self._committed_size - position))
        if n_changed:
            self._changes.pop(position, None)
            self._changes[position] = bytes(content[:n_changed])
            self.seek(position + n_changed)
        self._append(content[n_changed:])
        return len(content)

    def readinto(self, buffer: Any) -> int:
        """Read what was written, changes that still wait included."""
        start = self.tell()
        count = super().readinto(buffer) or 0
        view = memoryview(buffer).cast("B")
        for position, change in self._changes.items():
            first, last = max(start, position), min(start + count, position + len(change))
            if first < last:
                view[first - start : last - start] = change[first - position : last - position]
        return count

    def flush(self) -> None:
        """Make the waiting changes; called by HDF5 when it has written everything of a flush."""
        position = self.tell()
        for start in sorted(self._changes, key=self._rank):
            self.seek(start)
            self._append(memoryview(self._changes[start]))
        self._changes.clear()
        self._committed_size = self.seek(0, io.SEEK_END)
        self.seek(position)

    def close(self) -> None:
        if not self.closed:
            self.flush()
        super().close()

    def truncate(self, size: int | None = None) -> int:
        return self._attempt(super().truncate, size)

    def _rank(self, start: int) -> tuple[bool, bool, int]:
        """Key that sorts the changes into their safe order."""
        return start != 0, not self._changes[start].startswith(_HEAP_SIGNATURE), -start

    def _append(self, rest: memoryview) -> None:
        while len(rest) and self.failure is None:
            written = self._attempt(super().write, rest)
            rest = rest[written:]

    def _attempt(self, operation: Callable[[Any], int | None], argument: Any) -> int:
        if self.failure is None:
            try:
                return operation(argument) or 0
            except OSError as error:
                self.failure = error
        return 0
