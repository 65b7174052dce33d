"""One TCP connection: messages in, with bounds on size and time, and buffers out."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.igtl.codec import is_known_type
from TemporalReconLib.igtl.errors import FramingError
from TemporalReconLib.igtl.header import HEADER_SIZE, Header, check_version, decode_header

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
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock)
        # Timeouts belong to the Python socket, so each direction has its own. Neither may ever be None: that
        # would make the shared file description blocking, and a large send would wait for its peer for ever.
        self._receive_socket = sock
        self._send_socket = sock.dup()
        self._send_socket.settimeout(self._limits.send_idle_s)
        host, port = sock.getpeername()[:2]
        self.peer = f"{host}:{port}"
        self._has_sent = False
        self._use_lock = threading.Lock()
        self._n_users = 0
        self._is_closed = False

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
        with self._in_use():
            raw = self._read_header(timeout_s)
            if raw is None:
                return None
            header = decode_header(raw)
            self._receive_socket.settimeout(self._limits.body_idle_s)
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
        with self._in_use():
            for buffer in buffers:
                rest = memoryview(buffer)
                while len(rest):
                    try:
                        rest = rest[self._send_socket.send(rest) :]
                    except TimeoutError:
                        if not (self._waits_for_sources and self._has_sent):
                            raise

    def finish(self, timeout_s: float) -> None:
        """Say that nothing more will be sent, and wait until the peer has read it all and closed in turn.

        What the peer sends meanwhile is thrown away: a socket that is closed with unread bytes resets the connection,
        and the peer then loses what it has not read yet, such as the last frame.
        """
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(OSError), self._in_use():  # it has gone already, or does not close in time
            self._send_socket.shutdown(socket.SHUT_WR)
            while (remaining := deadline - time.monotonic()) > 0.0:
                self._receive_socket.settimeout(remaining)
                if not self._receive_socket.recv(_FIRST_BUFFER):
                    break

    def has_departed(self) -> bool:
        """Whether the peer has gone and nothing that it sent is left to be read."""
        try:
            with self._in_use(), self._receive_socket.dup() as look:
                look.settimeout(0.0)
                return look.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """End both directions; a thread that waits in :meth:`read` or :meth:`send` returns."""
        with contextlib.suppress(OSError):  # the peer may have ended it already
            self._receive_socket.shutdown(socket.SHUT_RDWR)
        with self._use_lock:
            self._is_closed = True
            self._release_if_unused()

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        """The sockets stay open meanwhile, whoever closes the connection.

        The number of a closed socket is given to the next one: a thread that still waits on it would read what
        another peer sends.
        """
        with self._use_lock:
            if self._is_closed:
                raise OSError(f"{self.peer}: the connection is closed")
            self._n_users += 1
        try:
            yield
        finally:
            with self._use_lock:
                self._n_users -= 1
                self._release_if_unused()

    def _release_if_unused(self) -> None:
        if self._is_closed and not self._n_users:
            self._receive_socket.close()
            self._send_socket.close()

    def _read_header(self, timeout_s: float | None) -> bytearray | None:
        raw = bytearray()
        deadline = 0.0
        self._receive_socket.settimeout(_LONG_S if timeout_s is None else timeout_s)
        while len(raw) < HEADER_SIZE:
            try:
                chunk = self._receive_socket.recv(HEADER_SIZE - len(raw))
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
                self._receive_socket.settimeout(max(remaining, 1e-3))
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
            count = self._receive_socket.recv_into(buffer[filled:end].data)
            if count == 0:
                raise FramingError("cut", f"{self.peer}: closed the connection inside a {header.type_name} message")
            filled += count
            received += count
        return buffer.data if stored and size else memoryview(b"")


def keep_alive(sock: socket.socket) -> None:
    """Notice within half a minute that the peer's machine is gone, where the system lets us say how soon."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _grown(buffer: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    larger = np.empty(min(size, _GROWTH * len(buffer)), dtype=np.uint8)
    larger[: len(buffer)] = buffer
    return larger
