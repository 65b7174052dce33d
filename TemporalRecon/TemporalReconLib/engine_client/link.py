"""Slicer's end of the engine's port: receives in the background, keeps the newest message of each device.

A display asks for the newest state when it is ready to draw; nothing ever waits for the network. (Only pictures
travel here. K-space goes from the scanner to the engine, which loses none of it.)
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable

from TemporalReconLib.errors import InputError
from TemporalReconLib.frame_clock import FrameClock
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.default_port import DEFAULT_PORT
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import LinkLostError

RETRY_S = 0.25
CONNECT_TIMEOUT_S = 2.0
_POLL_S = 0.2

logger = logging.getLogger(__name__)


class EngineLink:
    """Keeps connected to an engine until closed; connects again whenever the engine comes back.

    Parameters
    ----------
    host, port
        Where the engine listens.
    listener
        Called with every message, in order, on the receiving thread; it must return soon.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = DEFAULT_PORT, listener: Callable[[Envelope], None] | None = None
    ) -> None:
        self._listener = listener
        self._client = IgtlClient(host, port, timeout=CONNECT_TIMEOUT_S)
        self._newest: dict[str, tuple[Envelope, float]] = {}
        self._counts: Counter[str] = Counter()
        self._clocks: defaultdict[str, FrameClock] = defaultdict(FrameClock)
        self._to_send: dict[tuple[str, str], Envelope] = {}
        self._latched: dict[tuple[str, str], Envelope] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._connected = False
        self._threads = [
            threading.Thread(target=self._receive, name="engine-link-receive", daemon=True),
            threading.Thread(target=self._send, name="engine-link-send", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_connected(self) -> bool:
        """Whether the engine's port is open to us now."""
        return self._connected

    def newest(self, device_name: str) -> Envelope | None:
        """The newest message of a device, or None."""
        with self._changed:
            entry = self._newest.get(device_name)
        return None if entry is None else entry[0]

    def silence_s(self, device_name: str) -> float | None:
        """Seconds since a device's newest message arrived, by the monotonic clock; None before the first."""
        with self._changed:
            entry = self._newest.get(device_name)
        return None if entry is None else time.monotonic() - entry[1]

    def stale_after_s(self, device_name: str) -> float:
        """Silence from which on a device's newest message is stale, s; see :class:`FrameClock`."""
        with self._changed:
            return self._clocks[device_name].stale_after_s

    def count(self, device_name: str) -> int:
        """How many messages of a device have arrived."""
        with self._changed:
            return self._counts[device_name]

    def send(self, envelope: Envelope, latched: bool = False) -> None:
        """Queue a message and return at once; a newer one of the same device replaces one still waiting.

        Parameters
        ----------
        latched
            True sends it again after each reconnection, so that a restarted engine knows it too.
        """
        key = (envelope.type_name, envelope.device_name)
        with self._changed:
            if latched:
                self._latched[key] = envelope
            self._to_send[key] = envelope
            self._changed.notify_all()

    def close(self) -> None:
        """Disconnect; returns at once, the threads end by themselves."""
        self._closing.set()
        self._client.close()
        with self._changed:
            self._changed.notify_all()

    def _receive(self) -> None:
        while not self._closing.is_set():
            try:
                self._client.connect()
                self._set_connected(True)
                while not self._closing.is_set():
                    envelope = self._client.receive(_POLL_S)
                    if envelope is not None:
                        self._keep(envelope)
            except (LinkLostError, InputError) as error:
                logger.debug("engine link: %s", error)
            self._set_connected(False)
            self._closing.wait(RETRY_S)
        self._client.close()  # close() may have come while connect() was under way

    def _keep(self, envelope: Envelope) -> None:
        now = time.monotonic()
        with self._changed:
            self._newest[envelope.device_name] = (envelope, now)
            self._counts[envelope.device_name] += 1
            self._clocks[envelope.device_name].picture_arrived(now)
        if self._listener is not None:
            self._listener(envelope)

    def _set_connected(self, connected: bool) -> None:
        with self._changed:
            self._connected = connected
            if connected:
                self._to_send = {**self._latched, **self._to_send}
            self._changed.notify_all()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                if self._closing.is_set():
                    return
                key = next(iter(self._to_send))
                envelope = self._to_send.pop(key)
            try:
                self._client.send(envelope)
            except (LinkLostError, InputError) as error:
                logger.warning("engine link: %s was not sent: %s", envelope.device_name, error)

    def _has_work(self) -> bool:
        return self._closing.is_set() or (self._connected and bool(self._to_send))
