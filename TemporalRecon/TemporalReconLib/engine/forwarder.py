"""Sends results to a server elsewhere (Slicer listening on 18944), and comes back when the link breaks."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class Forwarder:
    """An outgoing link with a thread of its own; the newest message of each device waits while it is down."""

    def __init__(self, host: str, port: int, legacy_v1: bool = False) -> None:
        self._client = IgtlClient(host, port, timeout=2.0, legacy_v1=legacy_v1)
        self._waiting: OrderedDict[str, Envelope] = OrderedDict()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"forward-{host}:{port}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; returns within three seconds."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._client.close()
        self._thread.join(3.0)

    def publish(self, envelope: Envelope) -> None:
        """Queue a message; never waits."""
        with self._changed:
            self._waiting[envelope.device_name] = envelope
            self._changed.notify_all()

    def _run(self) -> None:
        was_down = False
        while not self._stopping.is_set():
            envelope = self._take()
            if envelope is None:
                continue
            try:
                if not self._client.is_connected:
                    self._client.connect()
                    was_down = False
                self._client.send(envelope)
            except InputError as error:
                if not was_down:
                    logger.warning("results are not forwarded for now: %s", error)
                was_down = True
                self._stopping.wait(RETRY_S)

    def _take(self) -> Envelope | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            return None if self._stopping.is_set() else self._waiting.popitem(last=False)[1]
