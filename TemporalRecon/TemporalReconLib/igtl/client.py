"""OpenIGTLink client: connect, send, receive."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import NoReturn

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.connection import Connection, Limits
from TemporalReconLib.igtl.default_port import DEFAULT_PORT
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import FramingError, LinkLostError, MessageError
from TemporalReconLib.igtl.image_message import ImageCoordinates

logger = logging.getLogger(__name__)


class IgtlClient:
    """A connection to an OpenIGTLink server; one thread may send while another receives.

    Parameters
    ----------
    timeout
        Seconds to connect, and seconds a server may take nothing of what is sent.
    legacy_v1, image_coordinates
        As in :class:`~TemporalReconLib.igtl.server.IgtlServer`.

    Attributes
    ----------
    dropped
        Bad messages that were skipped, by reason.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        timeout: float = 5.0,
        *,
        legacy_v1: bool = False,
        image_coordinates: ImageCoordinates = "label",
    ) -> None:
        self.host, self.port = host, port
        self.dropped: Counter[str] = Counter()
        self._timeout = timeout
        self._legacy_v1 = legacy_v1
        self._image_coordinates: ImageCoordinates = image_coordinates
        self._connection: Connection | None = None
        self._send_lock = threading.Lock()

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def connect(self) -> None:
        """Connect, or connect again; raises LinkLostError if nobody listens there."""
        self.close()
        try:
            sock = socket.create_connection((self.host, self.port), self._timeout)
            self._connection = Connection(sock, Limits(send_idle_s=self._timeout))
        except OSError as error:
            raise LinkLostError(
                f"no OpenIGTLink server at {self.host}:{self.port} ({error}); start it, or check host and port"
            ) from None

    def send(self, envelope: Envelope) -> None:
        """Send a message; returns when the operating system has taken it.

        Raises
        ------
        LinkLostError
            If the server has gone or takes nothing.
        InputError
            If the message cannot be encoded.
        """
        buffers = encode(envelope, self._legacy_v1)
        connection = self._connected()
        try:
            with self._send_lock:
                connection.send(buffers)
        except OSError as error:
            self._lost(error)

    def receive(self, timeout: float | None = None) -> Envelope | None:
        """The next good message, or None if none began within ``timeout`` seconds (None waits for ever).

        Raises
        ------
        LinkLostError
            If the server has gone or does not speak OpenIGTLink.
        """
        connection = self._connected()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            remaining = None if deadline is None else max(deadline - time.monotonic(), 1e-3)
            try:
                received = connection.read(remaining)
            except TimeoutError:
                return None
            except (FramingError, OSError) as error:
                self._lost(error)
            if received is None:
                self._lost("it closed the connection")
            try:
                envelope = decode_body(*received, self._image_coordinates)
            except MessageError as error:
                self.dropped[error.reason] += 1
                logger.warning("message from %s dropped: %s", connection.peer, error)
                continue
            return replace(envelope, arrival_time=time.time(), peer=connection.peer)

    def finish(self, timeout_s: float = 5.0) -> None:
        """Disconnect after the server has read everything that was sent; gives up after ``timeout_s`` seconds."""
        if self._connection is not None:
            self._connection.finish(timeout_s)
        self.close()

    def close(self) -> None:
        """Disconnect; a thread that waits in :meth:`receive` gets LinkLostError."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __enter__(self) -> IgtlClient:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise InputError(f"not connected to {self.host}:{self.port}; connect first")
        return self._connection

    def _lost(self, reason: object) -> NoReturn:
        self.close()
        raise LinkLostError(f"the OpenIGTLink server at {self.host}:{self.port} is gone: {reason}") from None
