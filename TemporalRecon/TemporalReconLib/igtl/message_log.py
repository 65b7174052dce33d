"""A text file with one line, the device name, per accepted message."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path

from TemporalReconLib.errors import InputError

logger = logging.getLogger(__name__)


class MessageLog:
    """Appends device names; a full disk stops the log, never the stream.

    Raises
    ------
    InputError
        If the file cannot be opened for appending.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a", encoding="ascii", buffering=1)
        except OSError as error:
            raise InputError(f"message log {path}: cannot be written ({error.strerror}); choose another file") from None
        self._path = path
        self._lock = threading.Lock()
        self._failed = False

    def append(self, device_name: str) -> None:
        """Add a line; ``device_name`` is printable ASCII (the decoder refuses others)."""
        with self._lock:
            if self._failed or self._file.closed:
                return
            try:
                self._file.write(device_name + "\n")
            except OSError as error:
                self._failed = True
                logger.error("message log %s stopped: %s", self._path, error)

    def close(self) -> None:
        # Closing tries once more to write the line that failed, which was told already.
        with self._lock, contextlib.suppress(OSError):
            self._file.close()
