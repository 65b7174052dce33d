"""A link to a server elsewhere (Slicer listening on 18944, a scanner's bridge): results out, its messages in."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.image_message import ImageCoordinates
from TemporalReconLib.igtl.outbox import LATEST_WINS

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.25
LAST_RETRY_S = 4.0
_POLL_S = 0.2
_MAX_WAITING = 256


class Forwarder:
    """A client that connects again whenever the link breaks, ever more patiently while nobody answers.

    Results wait while the link is down, the newest of each device. What the server sends is handed on as if it had
    come from a client; it is also read so that the server never finds its way out blocked.

    Parameters
    ----------
    host, port
        Of the server.
    on_message
        Called with every good message, in the link's own thread; an InputError it raises drops the message.
    legacy_v1, image_coordinates
        As in :class:`~TemporalReconLib.igtl.client.IgtlClient`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        legacy_v1: bool = False,
        on_message: Callable[[Envelope], None] | None = None,
        image_coordinates: ImageCoordinates = "label",
    ) -> None:
        self._client = IgtlClient(host, port, timeout=2.0, legacy_v1=legacy_v1, image_coordinates=image_coordinates)
        self._on_message = on_message
        self._waiting: OrderedDict[Hashable, Envelope] = OrderedDict()
        self._n_published = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self.peer = f"{host}:{port}"
        self._threads = [
            threading.Thread(target=target, name=f"forward-{name}-{self.peer}", daemon=True)
            for target, name in ((self._keep_connected, "receive"), (self._send, "send"))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Disconnect; waits at most ``timeout_s`` for each of its two threads."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        self._client.close()
        for thread in self._threads:
            thread.join(timeout_s)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    def publish(self, envelope: Envelope) -> None:
        """Queue a message; never waits."""
        with self._changed:
            self._n_published += 1
            self._waiting[self._key(envelope)] = envelope
            if len(self._waiting) > _MAX_WAITING:
                self._waiting.popitem(last=False)
            self._changed.notify_all()

    def _key(self, envelope: Envelope) -> Hashable:
        """Pictures, poses and health replace each other; answers do not."""
        is_replaced = envelope.type_name in LATEST_WINS
        return (envelope.type_name, envelope.device_name) if is_replaced else self._n_published

    def _keep_connected(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                self._client.connect()
                logger.info("results are forwarded to %s", self.peer)
                with self._changed:
                    self._changed.notify_all()
                retry_s = FIRST_RETRY_S
                while not self._stopping.is_set():
                    envelope = self._client.receive(_POLL_S)
                    if envelope is not None:
                        self._hand_on(envelope)
            except InputError as error:
                if retry_s == FIRST_RETRY_S and not self._stopping.is_set():
                    logger.warning("results are not forwarded for now: %s", error)
                self._stopping.wait(retry_s)
                retry_s = min(2.0 * retry_s, LAST_RETRY_S)
        self._client.close()  # stop() may have come while connect() was under way

    def _hand_on(self, envelope: Envelope) -> None:
        if self._on_message is None:
            return
        try:
            # By the name it was asked for, so that answers find the way back whatever its address is.
            self._on_message(replace(envelope, peer=self.peer))
        except InputError as error:
            logger.warning("message from %s dropped: %s", self.peer, error)
        except Exception:  # a defect in a consumer must cost this message, not the link
            logger.exception("message %s from %s could not be processed", envelope.device_name, self.peer)

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping.is_set() or (self._waiting and self._client.is_connected))
                if self._stopping.is_set():
                    return
                key, envelope = self._waiting.popitem(last=False)
            try:
                self._client.send(envelope)
            except InputError as error:
                logger.debug("not forwarded: %s", error)
                if isinstance(error, ConnectionError):
                    with self._changed:  # it waits for the next connection, unless a newer one is there already
                        self._waiting.setdefault(key, envelope)
                        self._waiting.move_to_end(key, last=False)
