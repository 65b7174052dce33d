"""What waits to be sent to one client: bounded, newest picture wins, text stays in order."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

Buffers = Sequence[bytes | memoryview]

LATEST_WINS = frozenset({"IMAGE", "TRANSFORM", "STATUS"})
_MAX_WAITING = 256


class Outbox:
    """A bounded queue between the publishing thread and one client's sender; putting never waits."""

    def __init__(self, max_waiting: int = _MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._waiting: OrderedDict[Hashable, Buffers] = OrderedDict()
        self._changed = threading.Condition()
        self._count = 0
        self._closed = False

    def put(self, type_name: str, device_name: str, buffers: Buffers) -> int:
        """Queue a message; returns how many older ones were dropped for it (0 or 1)."""
        with self._changed:
            self._count += 1
            latest_wins = type_name in LATEST_WINS
            key: Hashable = (type_name, device_name) if latest_wins else self._count
            skipped = int(latest_wins and key in self._waiting)
            self._waiting[key] = buffers  # a replaced message keeps its place, so no device starves another
            if len(self._waiting) > self._max_waiting:
                self._waiting.popitem(last=False)
                skipped += 1
            self._changed.notify()
            return skipped

    def take(self) -> Buffers | None:
        """The next message; waits for one, None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            return self._waiting.popitem(last=False)[1]

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)
