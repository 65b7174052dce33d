"""Both directions of a TCP socket, which any thread may close while others wait on them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class SocketPair:
    """A connected socket, read by one thread and written by another, and closed by whoever finds it has ended.

    Parameters
    ----------
    sock
        Connected TCP socket; it belongs to the pair from now on.
    send_timeout_s
        How long a single send may wait.

    Attributes
    ----------
    receive, send
        Timeouts belong to the Python socket, so each direction has its own. Neither may ever be None: that would
        make the shared file description blocking, and a large send would wait for its peer for ever.
    """

    def __init__(self, sock: socket.socket, send_timeout_s: float) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(sock)
        self.receive = sock
        self.send = sock.dup()
        self.send.settimeout(send_timeout_s)
        self._lock = threading.Lock()
        self._n_users = 0
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """The sockets stay open meanwhile, whoever closes the pair; raises OSError once it is closed.

        The number of a closed socket is given to the next one: a thread that still waits on it would read what
        another peer sends.
        """
        with self._lock:
            if self._is_closed:
                raise OSError("the connection is closed")
            self._n_users += 1
        try:
            yield
        finally:
            with self._lock:
                self._n_users -= 1
                self._release_if_unused()

    def close(self) -> None:
        """End both directions; a thread that waits on one of them wakes."""
        with contextlib.suppress(OSError):  # the peer may have ended it already
            self.receive.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._is_closed = True
            self._release_if_unused()

    def _release_if_unused(self) -> None:
        if self._is_closed and not self._n_users:
            self.receive.close()
            self.send.close()


def _keep_alive(sock: socket.socket) -> None:
    """Notice within half a minute that the peer's machine is gone, where the system lets us say how soon."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
