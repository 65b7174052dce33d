"""One TCP connection: messages in, with bounds on size and time, and buffers out."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.igtl.codec import is_known_type
from TemporalReconLib.igtl.errors import FramingError
from TemporalReconLib.igtl.header import HEADER_SIZE, Header, check_version, decode_header
from TemporalReconLib.igtl.socket_pair import SocketPair

# A body's buffer begins with this size and grows fourfold as bytes arrive, so that a lying header costs nothing.
_FIRST_BUFFER = 2**20
_GROWTH = 4
_LONG_S = 3600.0


@dataclass(frozen=True)
class Limits:
    """Seconds a peer may take.

    Attributes
    ----------
    header_s
        From the first byte of a header to its last.
    body_idle_s
        Without a byte inside a body.
    send_idle_s
        Without taking a byte of what is sent to it.
    """

    header_s: float = 2.0
    body_idle_s: float = 2.0
    send_idle_s: float = 5.0


class Connection:
    """A connected socket, read by one thread and written by another.

    Parameters
    ----------
    sock
        Connected TCP socket; it belongs to the connection from now on.
    waits_for_sources
        Never give up a peer that sends to us, even if it takes nothing of what is sent to it.
    """

    def __init__(self, sock: socket.socket, limits: Limits | None = None, waits_for_sources: bool = False) -> None:
        self._limits = limits or Limits()
        self._waits_for_sources = waits_for_sources
        self._sockets = SocketPair(sock, self._limits.send_idle_s)
        host, port = sock.getpeername()[:2]
        self.peer = f"{host}:{port}"
        self._has_sent = False

    def read(self, timeout_s: float | None = None) -> tuple[Header, memoryview] | None:
        """The next message, as header and body; the body of an unknown type is skipped and comes back empty.

        Parameters
        ----------
        timeout_s
            How long to wait for its first byte; None waits until the connection is closed.

        Returns
        -------
        None if the peer closed the connection between two messages.

        Raises
        ------
        TimeoutError
            If no message began in time; the connection is intact.
        FramingError
            If the bytes are not OpenIGTLink, break off or stop; close the connection.
        OSError
            If the connection broke.
        """
        with self._sockets.in_use():
            raw = self._read_header(timeout_s)
            if raw is None:
                return None
            header = decode_header(raw)
            self._sockets.receive.settimeout(self._limits.body_idle_s)
            try:
                body = self._read_body(header)
            except TimeoutError:
                silence = f"silent for {self._limits.body_idle_s} s inside a {header.type_name} message"
                raise FramingError("idle-body", f"{self.peer}: {silence}") from None
            self._has_sent = True
            return header, body

    def send(self, buffers: Sequence[bytes | memoryview]) -> None:
        """Send the buffers one after the other; raises TimeoutError (an OSError) if the peer takes nothing.

        With ``waits_for_sources`` a peer that has sent a message itself is waited for without end: a scanner bridge
        may never read, may pause for minutes between two series, and must not lose its link for either.
        """
        with self._sockets.in_use():
            for buffer in buffers:
                rest = memoryview(buffer)
                while len(rest):
                    try:
                        rest = rest[self._sockets.send.send(rest) :]
                    except TimeoutError:
                        if not (self._waits_for_sources and self._has_sent):
                            raise

    def finish(self, timeout_s: float) -> None:
        """Say that nothing more will be sent, and wait until the peer has read it all and closed in turn.

        What the peer sends meanwhile is thrown away: a socket that is closed with unread bytes resets the connection,
        and the peer then loses what it has not read yet, such as the last frame.
        """
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(OSError), self._sockets.in_use():  # it has gone already, or does not close in time
            self._sockets.send.shutdown(socket.SHUT_WR)
            while (remaining := deadline - time.monotonic()) > 0.0:
                self._sockets.receive.settimeout(remaining)
                if not self._sockets.receive.recv(_FIRST_BUFFER):
                    break

    def has_departed(self) -> bool:
        """Whether the peer has gone and nothing that it sent is left to be read."""
        try:
            with self._sockets.in_use(), self._sockets.receive.dup() as look:
                look.settimeout(0.0)
                return look.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """End both directions; a thread that waits in :meth:`read` or :meth:`send` returns."""
        self._sockets.close()

    def _read_header(self, timeout_s: float | None) -> bytearray | None:
        raw = bytearray()
        deadline = 0.0
        self._sockets.receive.settimeout(_LONG_S if timeout_s is None else timeout_s)
        while len(raw) < HEADER_SIZE:
            try:
                chunk = self._sockets.receive.recv(HEADER_SIZE - len(raw))
            except TimeoutError:
                if not raw and timeout_s is not None:
                    raise
                chunk = None
            if chunk == b"":
                if raw:
                    raise FramingError("cut", f"{self.peer}: closed the connection inside a header")
                return None
            if chunk:
                deadline = deadline or time.monotonic() + self._limits.header_s
                raw += chunk
                if len(raw) >= 2:
                    check_version(bytes(raw[:2]))
            if raw:
                remaining = deadline - time.monotonic()
                if len(raw) < HEADER_SIZE and remaining <= 0.0:
                    raise FramingError("slow-header", f"{self.peer}: no whole header within {self._limits.header_s} s")
                self._sockets.receive.settimeout(max(remaining, 1e-3))
        return raw

    def _read_body(self, header: Header) -> memoryview:
        size = header.body_size
        stored = is_known_type(header.type_name)
        buffer = np.empty(min(size, _FIRST_BUFFER), dtype=np.uint8)
        filled = received = 0
        while received < size:
            if filled == len(buffer):
                filled, buffer = (filled, _grown(buffer, size)) if stored else (0, buffer)
            end = filled + min(len(buffer) - filled, size - received)
            count = self._sockets.receive.recv_into(buffer[filled:end].data)
            if count == 0:
                raise FramingError("cut", f"{self.peer}: closed the connection inside a {header.type_name} message")
            filled += count
            received += count
        return buffer.data if stored and size else memoryview(b"")


def _grown(buffer: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    larger = np.empty(min(size, _GROWTH * len(buffer)), dtype=np.uint8)
    larger[: len(buffer)] = buffer
    return larger
