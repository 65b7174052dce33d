"""Plays a series to the engine as a scanner would, with play, pause, step and seek."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from TemporalReconLib.acquisition.frame_series import Frame
from TemporalReconLib.engine.offline import OpenedSeries
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.playback.player_status import PlayerState, PlayerStatus
from TemporalReconLib.playback.series_stream import SeriesStream

DEFAULT_RATE_FPS = 5.0
_CLOSE_S = 0.8
# How soon a player that is connected notices a command, or that the engine has gone.
_POLL_S = 0.02

logger = logging.getLogger(__name__)


class SeriesPlayer:
    """Opens, connects and sends on a thread of its own; only :meth:`close` waits, for that thread.

    A series that was played to its end, or failed, can be played again: play starts it from the beginning, or goes on
    after the frame that failed. Where a jump goes and what the engine makes of it is told in
    :class:`~TemporalReconLib.playback.series_stream.SeriesStream`.

    Parameters
    ----------
    open_series
        Called on the player's thread when it is first needed; may take as long as it likes.
    host, port
        Where the engine listens.
    rate_fps
        Frames per second; None takes the series' own rate, or 5 where it states none.
    is_looping
        Begin again after the last frame.
    legacy_v1
        Send version 1 headers, without metadata.
    """

    def __init__(
        self,
        open_series: Callable[[], OpenedSeries],
        host: str,
        port: int,
        *,
        rate_fps: float | None = None,
        is_looping: bool = False,
        legacy_v1: bool = False,
    ) -> None:
        self._open_series = open_series
        self._opened: OpenedSeries | None = None
        self._client = IgtlClient(host, port, legacy_v1=legacy_v1)
        self._wished_rate_fps = rate_fps
        self._is_looping = is_looping
        self._status = PlayerStatus()
        self._previous_s = 0.0
        # What the user wants, guarded by the condition: to play on, and a frame to go to first.
        self._changed = threading.Condition()
        self._wants_to_play = False
        self._wanted: int | None = None
        self._n_commands = 0
        self._is_closing = False
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> PlayerStatus:
        """The state now."""
        status, opened = self._status, self._opened
        if opened is None:
            return status
        interval_s = opened.series.frame_interval_s
        has_time = interval_s is not None and status.position is not None
        time_s = interval_s * status.position if has_time else None  # type: ignore[operator]
        return replace(status, n_frames=len(opened), time_s=time_s, rate_fps=self._rate_fps)

    def play(self) -> None:
        """Play on; from the beginning after the last frame."""
        with self._command():
            status = self.status
            if not self._wants_to_play and self._wanted is None and status.position == status.n_frames - 1:
                self._wanted = 0
            self._wants_to_play = True

    def pause(self) -> None:
        """Stop after the newest frame."""
        with self._command():
            self._wants_to_play = False

    def step(self, n_frames: int) -> None:
        """Pause and go ``n_frames`` on, or back where negative; steps in quick succession add up."""
        with self._command():
            self._wants_to_play = False
            position = self._status.position
            base = self._wanted if self._wanted is not None else -1 if position is None else position
            self._wanted = self._within(base + n_frames)

    def seek(self, index: int) -> None:
        """Go to frame ``index`` and play on from there, or show it if paused; the newest of many seeks counts."""
        with self._command():
            self._wanted = self._within(index)

    def set_looping(self, is_looping: bool) -> None:
        """Whether to begin again after the last frame."""
        self._is_looping = is_looping

    def set_rate(self, rate_fps: float | None) -> None:
        """Frames per second from now on; None for the series' own."""
        with self._changed:
            self._wished_rate_fps = rate_fps
            self._n_commands += 1  # the frame that waits for its turn has another one now

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """End thread and connection, and wait for the thread at most ``timeout_s`` seconds.

        It takes far less than a second, but a file that is being read ends its thread only when it is read.
        """
        with self._changed:
            self._note(state=PlayerState.STOPPED, reason="")
            self._is_closing = True
            self._changed.notify_all()
        self._client.close()
        if self._thread is not None:
            self._thread.join(timeout_s)

    @contextlib.contextmanager
    def _command(self) -> Iterator[None]:
        with self._changed:
            yield
            self._n_commands += 1
            if self._thread is None and not self._is_closing:
                self._thread = threading.Thread(target=self._run, name="series-player", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def _within(self, index: int) -> int:
        n_frames = self.status.n_frames
        return max(0, index if not n_frames else min(index, n_frames - 1))

    def _note(self, **changes: object) -> None:
        with self._changed:
            if not self._is_closing:
                self._status = replace(self._status, **changes)  # type: ignore[arg-type]

    def _run(self) -> None:
        while self._has_work():
            try:
                self._work()
            except InputError as error:
                self._fail(str(error))
            except Exception as error:  # a defect in a reader must end in a state that says so
                logger.exception("the series cannot be played")
                self._fail(f"{type(error).__name__}: {error}")
        self._client.close()  # close() may have come while connecting

    def _has_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closing or self._wants_to_play or self._wanted is not None)
            return not self._is_closing

    def _fail(self, reason: str) -> None:
        self._client.close()
        with self._changed:
            self._wants_to_play, self._wanted = False, None
            self._note(state=PlayerState.FAILED, reason=reason)

    def _work(self) -> None:
        """Open, connect, and obey until the series ends or the player is closed."""
        self._note(reason="")
        if self._opened is None:
            self._note(state=PlayerState.OPENING)
            self._opened = self._open_series()
        if self._is_closing:
            return
        self._note(state=PlayerState.CONNECTING)
        self._client.connect()
        self._previous_s = time.monotonic()
        stream = SeriesStream(self._opened, self._client)
        while not self._is_closing and self._go_on(stream, len(self._opened)):
            pass

    def _go_on(self, stream: SeriesStream, n_frames: int) -> bool:
        """One move: go where the user wants, play the next frame, or wait; False at the end of the series."""
        with self._changed:
            n_commands, wanted, plays = self._n_commands, self._wanted, self._wants_to_play
        if wanted is not None:
            self._go_to(stream, min(wanted, n_frames - 1), wanted)
            return True
        if not plays:
            self._note(state=PlayerState.PAUSED)
            self._listen(_POLL_S)
            return True
        self._note(state=PlayerState.PLAYING)
        position = self._status.position
        index = 0 if position is None else position + 1
        if index >= n_frames:
            if not self._is_looping:
                return self._finish()
            index = 0
        frame = self._read(stream, index)
        if self._wait_for_turn(n_commands):
            self._send(stream, index, frame)
        return True

    def _go_to(self, stream: SeriesStream, index: int, wanted: int) -> None:
        """Show a frame out of turn; the wish is fulfilled unless a newer one has come meanwhile."""
        self._send(stream, index, self._read(stream, index))
        self._previous_s = time.monotonic()
        with self._changed:
            if self._wanted == wanted:
                self._wanted = None

    def _read(self, stream: SeriesStream, index: int) -> Frame:
        try:
            return stream.read(index)
        except InputError as error:
            self._note(position=index)  # play and step go on behind it
            # The panel counts from 1, readers and tables from 0: both are said.
            number = f"frame {index + 1} of {self.status.n_frames} (index {index})"
            raise InputError(f"{number} cannot be played: {error}") from None

    def _send(self, stream: SeriesStream, index: int, frame: Frame) -> None:
        interval_s = 1.0 / self._rate_fps
        if not stream.follows(index):
            stream.begin(index, frame, interval_s)
        stream.send(index, frame, interval_s)
        self._note(position=index)

    def _wait_for_turn(self, n_commands: int) -> bool:
        """Wait until the next frame is due; False if a command came first."""
        interval_s = 1.0 / self._rate_fps
        due_s = self._previous_s + interval_s
        while (remaining_s := due_s - time.monotonic()) > 0.0:
            self._listen(min(remaining_s, _POLL_S))
            if self._n_commands != n_commands or self._is_closing:
                return False
        # A frame that is late by more than an interval delays those after it instead of making them hurry.
        now = time.monotonic()
        self._previous_s = due_s if now - due_s < interval_s else now
        return True

    def _listen(self, timeout_s: float) -> None:
        """Wait, and notice if the engine goes; what it publishes is for others."""
        self._client.receive(timeout_s)

    def _finish(self) -> bool:
        """Wait until the engine has read the last frame."""
        self._client.finish()
        with self._changed:
            if self._wanted is None:
                self._wants_to_play = False
                self._note(state=PlayerState.FINISHED)
        return False

    @property
    def _rate_fps(self) -> float:
        assert self._opened is not None
        interval_s = self._opened.series.frame_interval_s
        return self._wished_rate_fps or (1.0 / interval_s if interval_s else DEFAULT_RATE_FPS)
