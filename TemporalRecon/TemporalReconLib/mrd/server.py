"""MRD server: one scanner at a time sends raw lines and gets images back."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Sequence

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.connection import Limits
from TemporalReconLib.igtl.counters import CounterBoard, ServerCounters
from TemporalReconLib.igtl.errors import FramingError
from TemporalReconLib.igtl.listen_address import ListenAddress
from TemporalReconLib.mrd import connection as wire
from TemporalReconLib.mrd.connection import MrdConnection, MrdMessage
from TemporalReconLib.mrd.frame_rule import FrameRule
from TemporalReconLib.mrd.frame_stream import FrameStream, MrdSeriesInfo
from TemporalReconLib.mrd.image_message import mrd_images

logger = logging.getLogger(__name__)

DEFAULT_PORT = 9002
_ACCEPT_POLL_S = 0.2
_JOIN_S = 3.0
_MAX_WAITING_IMAGES = 64


class MrdServer:
    """Listens on 127.0.0.1 unless an address *and* a list of allowed peers are given.

    Parameters
    ----------
    port
        TCP port; 0 picks a free one, see :attr:`port`.
    on_frame
        Called with every complete frame, in the thread that reads from the scanner. An InputError it raises
        drops and counts the frame.
    on_series_start
        Called before the first frame of a scan.
    on_series_end
        Called when the scanner has sent everything. Images sent until it returns reach the scanner before the
        closing message.
    rule
        Which lines make a frame; by repetition if not given.

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
        *,
        on_frame: Callable[[KSpaceFrame], None],
        on_series_start: Callable[[MrdSeriesInfo], None] = lambda info: None,
        on_series_end: Callable[[], None] = lambda: None,
        rule: FrameRule | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._address = ListenAddress.checked(host, port, allow)
        self._on_frame = on_frame
        self._on_series_start = on_series_start
        self._on_series_end = on_series_end
        self._rule = rule or FrameRule()
        self._limits = limits or Limits()
        self._counters = CounterBoard()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._stream: FrameStream | None = None
        self._thread: threading.Thread | None = None
        self._n_sessions = 0
        self.port = port

    def start(self) -> None:
        """Listen and serve in a thread; raises InputError if the port is taken."""
        self._listener = self._address.listen()
        self._listener.settimeout(_ACCEPT_POLL_S)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run, name="mrd-server", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = _JOIN_S) -> None:
        """Close the scanner's connection and stop listening; waits at most ``timeout_s`` for the thread."""
        self._stopping.set()
        with self._lock:
            if self._session is not None:
                self._session.connection.close()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def __enter__(self) -> MrdServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def send_image(self, frame: ImageFrame) -> bool:
        """Queue an image for the scanner; never waits. False if there is no scanner or it does not keep up."""
        with self._lock:
            session = self._session
            stream = self._stream
        table = None if stream is None else stream.table_position(frame.stream_id)
        # Encoding is skipped where nobody would take it.
        if (
            session is None
            or session.is_full
            or not session.put([wire.encode_image(image) for image in mrd_images(frame, table=table)])
        ):
            self._counters.add("skipped_sends")
            return False
        self._counters.add("sent")
        return True

    @property
    def has_clock(self) -> bool:
        """Whether the scanner states the times of its frames; for use in ``on_frame``."""
        return self._stream is not None and self._stream.has_clock

    def counters(self) -> ServerCounters:
        """``accepted`` counts lines; ``dropped`` lines, headers and frames that made no sense."""
        with self._lock:
            return self._counters.snapshot(int(self._session is not None))

    def _run(self) -> None:
        with self._listener:
            while not self._stopping.is_set():
                try:
                    sock, peer = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError:
                    logger.exception("MRD server stopped listening")
                    return
                if not self._address.allows(peer[0]):
                    self._counters.add("refused_clients")
                    sock.close()
                    continue
                self._serve(_Session(MrdConnection(sock, self._limits)))

    def _serve(self, session: _Session) -> None:
        with self._lock:
            self._session = session
        stream = FrameStream(f"mrd-{self._n_sessions}", self._on_series_start, self._on_frame, rule=self._rule)
        self._stream = stream
        self._n_sessions += 1
        is_whole = False
        try:
            self._read_until_closed(session, stream)
            is_whole = True
        except FramingError as error:
            logger.warning("MRD scanner dropped: %s", error)
            self._counters.close(error.reason)
        except OSError as error:
            logger.warning("MRD connection broke: %s", error)
            self._counters.close("broken")
        except Exception:
            # A defect in a callback must not end the service to the next scanner.
            logger.exception("MRD session ended by an error")
            self._counters.close("error")
        finally:
            with self._lock:
                self._session = None
            if is_whole:
                session.end(self._limits.send_idle_s)
            else:  # it is gone or speaks something else; its successor must not wait
                session.abort()

    def _read_until_closed(self, session: _Session, stream: FrameStream) -> None:
        while (message := session.connection.read()) is not None and message.id != wire.CLOSE:
            self._attempt(session, self._handle, message, stream)
        if not self._stopping.is_set():
            self._attempt(session, stream.finish)
            self._attempt(session, self._on_series_end)

    def _handle(self, message: MrdMessage, stream: FrameStream) -> None:
        if message.id == wire.HEADER:
            stream.start(message.text)
        elif message.id == wire.ACQUISITION:
            assert message.samples is not None
            stream.add(message.head, message.samples)
            self._counters.add("accepted")
        elif message.id == wire.IMAGE:
            raise InputError("MRD stream: images are not taken here; send raw lines")

    def _attempt(self, session: _Session, action: Callable[..., None], *arguments: object) -> None:
        """Bad content is dropped, counted, and the scanner's log told the first time."""
        try:
            action(*arguments)
        except InputError as error:
            self._counters.drop("content")
            if session.tells_errors:
                session.tells_errors = False
                logger.warning("MRD content dropped (only the first is logged): %s", error)
                session.put([wire.encode_text(wire.TEXT, str(error).encode("utf-8", "replace"))])


class _Session:
    """A connected scanner and the thread that sends to it, so that one that never reads delays nobody."""

    def __init__(self, connection: MrdConnection) -> None:
        self.connection = connection
        self.tells_errors = True
        self._waiting: queue.Queue[list[bytes] | None] = queue.Queue(_MAX_WAITING_IMAGES)
        self._sender = threading.Thread(target=self._send_all, name="mrd-sender", daemon=True)
        self._sender.start()

    @property
    def is_full(self) -> bool:
        return self._waiting.full()

    def put(self, messages: list[bytes]) -> bool:
        try:
            self._waiting.put_nowait(messages)
        except queue.Full:
            return False
        return True

    def end(self, timeout_s: float) -> None:
        """Send what waits and the closing message, if the scanner takes them in time; then close."""
        with contextlib.suppress(queue.Full):
            self._waiting.put([wire.encode_close()], timeout=timeout_s)
            self._waiting.put(None, timeout=timeout_s)
            self._sender.join(timeout_s)
        self.connection.close()

    def abort(self) -> None:
        """Close at once; what waits is thrown away."""
        self.connection.close()
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
        self._waiting.put(None)

    def _send_all(self) -> None:
        while (messages := self._waiting.get()) is not None:
            try:
                for message in messages:
                    self.connection.send(message)
            except OSError as error:
                logger.info("MRD scanner takes no more images: %s", error)
                return
