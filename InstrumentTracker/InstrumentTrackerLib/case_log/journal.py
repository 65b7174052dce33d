"""Lines and pictures that are on disk at once, or kept in memory until they are."""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

# How long a failed write waits for the disk to have room again.
RETRY_S = 1.0


class Journal:
    """Appends lines to a file and puts pictures beside it, in order, on a thread of its own.

    Nothing that was handed over is given up: what cannot be written (full disk, folder gone) stays in memory and is
    tried again, and ``problem`` says why. A line that was half written when the disk ran full is cut off again.

    Parameters
    ----------
    path
        The file; its folder is made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: deque[str] = deque()
        self._files: deque[tuple[str, bytes]] = deque()
        self._problem = ""
        self._closing = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    @property
    def n_unsaved(self) -> int:
        """Lines and pictures that are not on disk yet."""
        with self._changed:
            return len(self._lines) + len(self._files)

    @property
    def problem(self) -> str:
        """Why the last write failed; empty once a write succeeds."""
        with self._changed:
            return self._problem

    def add_line(self, line: str) -> None:
        """Append a line; returns at once."""
        self._add(self._lines, line)

    def add_file(self, name: str, data: bytes) -> None:
        """Write a file into the journal's folder; returns at once. Lines go first."""
        self._add(self._files, (name, data))

    def wait(self, timeout_s: float) -> bool:
        """Wait until all is on disk; False if that did not happen in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._files, timeout_s)

    def close(self, timeout_s: float = 2.0) -> bool:
        """End the thread after a last attempt; False if something could not be saved."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self.n_unsaved == 0

    def _add(self, queue: deque, item: object) -> None:
        with self._changed:
            queue.append(item)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="case log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._files or self._closing)
                if not self._lines and not self._files:
                    return
                line = self._lines[0] if self._lines else None
                file = self._files[0] if line is None else None
                is_last_attempt = self._closing
            problem = ""
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if line is not None:
                    append_line(self.path, line)
                elif file is not None:
                    with written_atomically(self.path.parent / file[0]) as temporary:
                        temporary.write_bytes(file[1])
            except (OSError, InputError) as error:
                problem = str(getattr(error, "strerror", None) or error)
            with self._changed:
                self._problem = problem
                if not problem:
                    (self._lines if line is not None else self._files).popleft()
                self._changed.notify_all()
                if problem and is_last_attempt:
                    return
                if problem:
                    self._changed.wait_for(lambda: self._closing, RETRY_S)


def append_line(path: Path, line: str) -> None:
    """Append a line and see it to the disk; raises OSError, and then the file is as it was.

    What a crash left of a line is cut off first.
    """
    with path.open("ab+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        if file.read(1) not in (b"", b"\n"):
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
        before = file.seek(0, os.SEEK_END)
        try:
            file.write(line.encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def complete_lines(path: Path) -> list[str]:
    """The lines of a journal without a last one that a crash cut short.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        content = path.read_bytes()
        return content[: content.rfind(b"\n") + 1].decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
