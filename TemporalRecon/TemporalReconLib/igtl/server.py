"""OpenIGTLink server: reads from every client, publishes to every client, waits for none."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.connection import Connection, Limits
from TemporalReconLib.igtl.counters import CounterBoard, ServerCounters
from TemporalReconLib.igtl.default_port import DEFAULT_PORT
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import FramingError, MessageError
from TemporalReconLib.igtl.image_message import ImageCoordinates, ImageMessage
from TemporalReconLib.igtl.listen_address import ListenAddress
from TemporalReconLib.igtl.message_log import MessageLog
from TemporalReconLib.igtl.outbox import Outbox

logger = logging.getLogger(__name__)

# Further clients are refused: each is served by threads of its own.
MAX_CLIENTS = 4
_ACCEPT_POLL_S = 0.2
_JOIN_S = 1.5


@dataclass(eq=False)
class _Client:
    connection: Connection
    outbox: Outbox = field(default_factory=Outbox)
    muted: set[str] = field(default_factory=set)
    n_dropped: int = 0
    threads: list[threading.Thread] = field(default_factory=list)


class IgtlServer:
    """Listens on 127.0.0.1 unless an address *and* a list of allowed peers are given.

    Parameters
    ----------
    port
        TCP port; 0 picks a free one, see :attr:`port`.
    host
        IP address to listen on.
    allow
        Addresses or networks (``10.0.0.0/24``) that may connect; needed for any host beyond loopback.
    on_message
        Called with every good message, for one message at a time, in the thread that reads from its client;
        while it works that client's next messages wait. An InputError it raises drops and counts the message.
    on_drop
        Told type and reason of every bad but framed message, in the same thread.
    legacy_v1
        Send version 1 headers without metadata, for receivers of protocols 1 and 2.
    image_coordinates
        ``label`` converts LPS-labelled images to RAS; ``ras`` and ``lps`` overrule the label.
    message_log
        File that gets a line with the device name of every accepted message.

    Raises
    ------
    InputError
        If the address or the allowed peers cannot be used.
    """

    def __init__(
        self,
        port: int = DEFAULT_PORT,
        host: str = "127.0.0.1",
        allow: Sequence[str] = (),
        on_message: Callable[[Envelope], None] | None = None,
        *,
        on_drop: Callable[[str, InputError], None] | None = None,
        legacy_v1: bool = False,
        image_coordinates: ImageCoordinates = "label",
        message_log: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._address = ListenAddress.checked(host, port, allow)
        self._on_message = on_message
        self._on_drop = on_drop
        self._legacy_v1 = legacy_v1
        self._image_coordinates: ImageCoordinates = image_coordinates
        self._message_log_path = message_log
        self._message_log: MessageLog | None = None
        self._limits = limits or Limits()
        self._board = CounterBoard()
        self._clients: list[_Client] = []
        self._clients_lock = threading.Lock()
        self._delivery_lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._accept_thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._port = port

    @property
    def host(self) -> str:
        return self._address.host

    @property
    def port(self) -> int:
        """The port listened on (after :meth:`start`, never 0)."""
        return self._port

    @property
    def counters(self) -> ServerCounters:
        with self._clients_lock:
            clients = len(self._clients)
        return self._board.snapshot(clients)

    @property
    def is_running(self) -> bool:
        return self._listener is not None

    def start(self) -> None:
        """Listen and serve in threads of its own.

        Raises
        ------
        InputError
            If the port is taken, or the message log cannot be written.
        """
        if self._listener is not None:
            return
        self._listener = self._address.listen()
        if self._message_log_path is not None:
            try:
                self._message_log = MessageLog(self._message_log_path)
            except InputError:
                self.stop()
                raise
        self._listener.settimeout(_ACCEPT_POLL_S)
        self._port = self._listener.getsockname()[1]
        self._stopping.clear()
        self._accept_thread = _started(self._accept, f"igtl-accept-{self._port}")

    def stop(self) -> None:
        """Close everything; returns within two seconds. The server can be started again."""
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):  # wakes accept() at once where the system can do that
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._clients_lock:
            clients = list(self._clients)
        for client in clients:
            self._close(client)
        threads = [self._accept_thread, *(thread for client in clients for thread in client.threads)]
        deadline = time.monotonic() + _JOIN_S
        for thread in threads:
            if thread is not None and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        self._accept_thread = None
        if self._message_log is not None:
            self._message_log.close()
            self._message_log = None

    def __enter__(self) -> IgtlServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def publish(self, envelope: Envelope, peer: str = "") -> int:
        """Queue a message for every client, or for one; never waits for any. Thread-safe.

        IMAGE, TRANSFORM and STATUS replace a waiting message of the same device name (a slow client gets the
        newest); other types keep their order. Pixels are sent from where they are: do not change them later.

        Parameters
        ----------
        peer
            :attr:`Envelope.peer` of the client to answer; empty sends to all.

        Returns
        -------
        The number of clients it was queued for.

        Raises
        ------
        InputError
            If the message cannot be encoded.
        """
        with self._clients_lock:
            clients = [
                client
                for client in self._clients
                if peer == client.connection.peer or (not peer and envelope.type_name not in client.muted)
            ]
        if not clients:
            return 0
        buffers = encode(envelope, self._legacy_v1)
        for client in clients:
            skipped = client.outbox.put(envelope.type_name, envelope.device_name, buffers)
            if skipped:
                self._board.add("skipped_sends", skipped)
        return len(clients)

    def mute(self, type_name: str, muted: bool, peer: str) -> None:
        """Leave messages of a type out of what is sent to all, for one client; or send them to it again."""
        with self._clients_lock:
            for client in self._clients:
                if client.connection.peer == peer:
                    (client.muted.add if muted else client.muted.discard)(type_name)

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None and not self._stopping.is_set():
            try:
                sock, address = listener.accept()
            except TimeoutError:
                continue
            except OSError as error:
                if not self._stopping.is_set():
                    # Out of file descriptors, or the peer gave up while waiting: later clients may still come.
                    logger.warning("a connection could not be accepted: %s", error)
                    self._stopping.wait(_ACCEPT_POLL_S)
                continue
            self._admit(sock, address[0])

    def _admit(self, sock: socket.socket, peer_host: str) -> None:
        with self._clients_lock:
            departed = [client for client in self._clients if client.connection.has_departed()]
        for client in departed:  # one that comes back at once must not be refused because of itself
            self._close(client)
        with self._clients_lock:
            full = len(self._clients) >= MAX_CLIENTS
            if full or self._stopping.is_set() or not self._address.allows(peer_host):
                logger.warning("client %s refused: %s", peer_host, "too many clients" if full else "not allowed")
                self._board.add("refused_clients")
                sock.close()
                return
            try:
                client = _Client(Connection(sock, self._limits, waits_for_sources=True))
            except OSError as error:  # gone between connecting and being accepted
                logger.info("client %s left at once: %s", peer_host, error)
                sock.close()
                return
            self._clients.append(client)
            peer = client.connection.peer
            client.threads = [
                _started(lambda: self._receive(client), f"igtl-receive-{peer}"),
                _started(lambda: self._send(client), f"igtl-send-{peer}"),
            ]
        logger.info("client %s connected", peer)

    def _receive(self, client: _Client) -> None:
        connection = client.connection
        try:
            while (received := connection.read()) is not None:
                try:
                    envelope = decode_body(*received, self._image_coordinates)
                    self._deliver(replace(envelope, arrival_time=time.time(), peer=connection.peer))
                except InputError as error:
                    reason = error.reason if isinstance(error, MessageError) else "content"
                    self._board.drop(reason)
                    client.n_dropped += 1
                    if _is_told(client.n_dropped):
                        logger.warning(
                            "message from %s dropped: %s (%d so far)", connection.peer, error, client.n_dropped
                        )
                    if self._on_drop is not None:
                        self._on_drop(received[0].type_name, error)
            logger.info("client %s left", connection.peer)
        except FramingError as error:
            self._board.close(error.reason)
            logger.warning("client %s closed: %s", connection.peer, error)
        except OSError as error:
            logger.info("client %s lost: %s", connection.peer, error)
        finally:
            self._close(client)

    def _deliver(self, envelope: Envelope) -> None:
        if isinstance(envelope.message, ImageMessage) and envelope.message.byte_order_corrected:
            self._board.add("byte_order_corrected")
        if self._on_message is not None:
            with self._delivery_lock:
                try:
                    self._on_message(envelope)
                except InputError:
                    raise
                except Exception as error:
                    # A defect in a consumer must cost this message, not the link to the scanner.
                    logger.exception("message %s could not be processed", envelope.device_name)
                    raise MessageError("consumer", f"{envelope.device_name}: {error}") from error
        self._board.add("accepted")
        message_log = self._message_log
        if message_log is not None and envelope.device_name.strip():  # queries may have no name
            message_log.append(envelope.device_name)

    def _send(self, client: _Client) -> None:
        try:
            while (buffers := client.outbox.take()) is not None:
                client.connection.send(buffers)
                self._board.add("sent")
        except TimeoutError:
            self._board.close("not-reading")
            logger.warning("client %s closed: it takes nothing of what is sent to it", client.connection.peer)
        except OSError as error:
            logger.info("client %s lost: %s", client.connection.peer, error)
        finally:
            self._close(client)

    def _close(self, client: _Client) -> None:
        with self._clients_lock, contextlib.suppress(ValueError):  # the other thread may have been first
            self._clients.remove(client)
        client.outbox.close()
        client.connection.close()


def _is_told(count: int) -> bool:
    """1, 2 ... 9, 10, 20 ... 90, 100, 200 ...: a flood of bad messages must not fill the disk with its log."""
    return count % 10 ** (len(str(count)) - 1) == 0


def _started(target: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
