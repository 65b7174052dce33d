"""Who sends frames at the moment."""

from __future__ import annotations

import threading
import time

RECENT_S = 3.0


class Senders:
    """Counts the peers whose last frame came within ``RECENT_S`` seconds. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard_s: dict[str, float] = {}

    def heard(self, peer: str) -> None:
        """A frame of this peer has come."""
        with self._lock:
            self._heard_s[peer] = time.monotonic()
            self._forget_silent()

    @property
    def count(self) -> int:
        with self._lock:
            self._forget_silent()
            return len(self._heard_s)

    def _forget_silent(self) -> None:
        """A bridge that connects anew for every frame must not fill the memory."""
        oldest_s = time.monotonic() - RECENT_S
        self._heard_s = {peer: heard_s for peer, heard_s in self._heard_s.items() if heard_s >= oldest_s}
