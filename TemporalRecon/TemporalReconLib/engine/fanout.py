"""Where results go: to the server's clients, to the forwarding link, and to whoever asks for the newest."""

from __future__ import annotations

import threading

from TemporalReconLib.engine.forwarder import Forwarder
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.server import IgtlServer

KEPT_TYPES = ("IMAGE", "TRANSFORM")


class Fanout:
    """Publishes everywhere, and keeps the newest picture and pose of each device for those who ask."""

    def __init__(self, server: IgtlServer, forwarder: Forwarder | None = None) -> None:
        self._server = server
        self._forwarder = forwarder
        self._newest: dict[tuple[str, str], Envelope] = {}
        self._lock = threading.Lock()

    def publish(self, envelope: Envelope) -> None:
        """Queue for everyone; never waits."""
        if envelope.type_name in KEPT_TYPES:
            with self._lock:
                self._newest[envelope.type_name, envelope.device_name] = envelope
        self._server.publish(envelope)
        if self._forwarder is not None:
            self._forwarder.publish(envelope)

    def answer(self, envelope: Envelope, peer: str) -> None:
        """Queue for one peer; never waits."""
        if self._forwarder is not None and peer == self._forwarder.peer:
            self._forwarder.publish(envelope)
        else:
            self._server.publish(envelope, peer=peer)

    def newest(self, type_name: str, device_name: str) -> list[Envelope]:
        """The newest message of a device; without a name those of all devices of the type."""
        with self._lock:
            kept = list(self._newest.items())
        return [envelope for (kind, name), envelope in kept if kind == type_name and device_name in ("", name)]

    def mute(self, type_name: str, muted: bool, peer: str) -> None:
        """Stop or start sending a type to one client unasked; the forwarding link always gets everything."""
        self._server.mute(type_name, muted, peer)
