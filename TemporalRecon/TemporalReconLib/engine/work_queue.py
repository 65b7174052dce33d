"""What waits for the worker: every frame in order, bounded in memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

MAX_WAITING_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Work:
    """One thing to do: ``frame``, ``planning``, ``target``, ``method``, ``reset``, ``resume``, ``record`` (on or off)
    or ``done`` (tell the submitter that all before it is done) with its content.

    ``arrival_time`` is the UTC epoch second at which it was received; ``time_is_known`` is False for a frame whose
    sender stated no time. ``n_unreadable`` frames came since the one before and could not be read. ``received_s`` is
    the moment of arrival by a clock that never jumps.
    """

    kind: str
    content: Any = None
    arrival_time: float = 0.0
    time_is_known: bool = True
    n_unreadable: int = 0
    received_s: float = field(default_factory=time.monotonic)
    n_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        is_frame = isinstance(self.content, (KSpaceFrame, ImageFrame))
        object.__setattr__(self, "n_bytes", self.content.data.nbytes if is_frame else 0)


class WorkQueue:
    """Nothing is lost for data: when the queue is full, ``put`` waits, and TCP makes the sender wait in turn."""

    def __init__(self, max_bytes: int = MAX_WAITING_BYTES) -> None:
        self._max_bytes = max_bytes
        self._waiting: deque[Work] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, work: Work) -> None:
        """Queue in order; waits while more than the allowed bytes are waiting."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._waiting or self._bytes < self._max_bytes)
            if not self._closed:
                self._waiting.append(work)
                self._bytes += work.n_bytes
                self._changed.notify_all()

    def take_all(self, timeout_s: float) -> list[Work]:
        """Everything that waits, oldest first; waits up to ``timeout_s`` for something."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            taken = list(self._waiting)
            self._waiting.clear()
            self._bytes = 0
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Let everyone who waits go on; what waits is discarded."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
