"""What a server did with what it was sent."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ServerCounters:
    """A snapshot.

    Attributes
    ----------
    accepted
        Messages handed to ``on_message`` without an error.
    dropped
        Bad but framed messages, by reason (``crc``, ``matrix``, ``metadata``, ``type``, ...).
    closed
        Connections the server closed, by reason (``version``, ``size``, ``idle-body``, ``not-reading``, ...).
    refused_clients
        Connections refused because there were too many, or their address is not allowed.
    clients
        Clients connected now.
    sent, skipped_sends
        Messages sent, and messages dropped because a newer one replaced them before the client took them.
    byte_order_corrected
        Images whose byte order label was wrong.
    """

    accepted: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    refused_clients: int = 0
    clients: int = 0
    sent: int = 0
    skipped_sends: int = 0
    byte_order_corrected: int = 0


class CounterBoard:
    """Thread-safe counting behind :class:`ServerCounters`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._totals[name] += count

    def drop(self, reason: str) -> None:
        with self._lock:
            self._dropped[reason] += 1

    def close(self, reason: str) -> None:
        with self._lock:
            self._closed[reason] += 1

    def snapshot(self, clients: int) -> ServerCounters:
        with self._lock:
            return ServerCounters(
                dropped=dict(self._dropped), closed=dict(self._closed), clients=clients, **dict(self._totals)
            )
