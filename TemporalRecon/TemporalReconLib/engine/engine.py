"""The live engine: frames from the sockets through a processor, results back to every client.

Reader threads decode, one worker ingests every frame in order and makes the picture of the newest, one thread
reports health. A frame that fails costs that frame, never the engine; where memory runs out, the frame is tried again
with less of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.device_memory import DeviceWatch
from TemporalReconLib.engine.frame_results import ShownPicture, results_of
from TemporalReconLib.engine.health import Health, HealthReport
from TemporalReconLib.engine.memory_fallback import MemoryFallback, is_out_of_memory
from TemporalReconLib.engine.processor import Frame, FrameProcessor
from TemporalReconLib.engine.recorder import FrameRecord, Recorder
from TemporalReconLib.engine.senders import Senders
from TemporalReconLib.engine.status_message import status_envelope
from TemporalReconLib.engine.stream_guard import StreamGuard
from TemporalReconLib.engine.work_queue import Work, WorkQueue
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.counters import ServerCounters
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frame_metadata import common_metadata
from TemporalReconLib.reconstruction.registry import check_method

logger = logging.getLogger(__name__)

HEALTH_PERIOD_S = 1.0

Publish = Callable[[Envelope], object]


class Engine:
    """Frames in by :meth:`submit`, envelopes out by ``publish``.

    Parameters
    ----------
    processor
        The pipeline; used by the worker thread only.
    publish
        Called with every result and STATUS, from the engine's threads; must not wait.
    on_image
        Called with every picture made, before its messages are published (other borders than OpenIGTLink).
    recorder
        Keeps what comes in; started and stopped by its owner.
    link_counters
        What the sockets counted, for STATUS.
    fallback
        What to do when memory runs out; without it the frame is lost.
    """

    def __init__(
        self,
        processor: FrameProcessor,
        publish: Publish,
        on_image: Callable[[ImageFrame], None] | None = None,
        recorder: Recorder | None = None,
        link_counters: Callable[[], ServerCounters] | None = None,
        fallback: MemoryFallback | None = None,
    ) -> None:
        self._processor = processor
        self._publish = publish
        self._on_image = on_image
        self._recorder = recorder
        self._link_counters = link_counters
        self._fallback = fallback
        self._streams = StreamGuard()
        self._starts_series = False
        self._n_unreadable = 0
        self._unreadable_lock = threading.Lock()
        self._queue = WorkQueue()
        self._health = Health()
        self._senders = Senders()
        self._device = DeviceWatch(processor.device)
        self._paused, self._stopping, self._status_due = (threading.Event() for _ in range(3))
        self._threads: list[threading.Thread] = []

    @property
    def health(self) -> HealthReport:
        return self._health.report()

    def start(self) -> None:
        """Begin to work and to report."""
        for target, name in ((self._work, "engine-worker"), (self._report, "engine-health")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 2.0) -> None:
        """End both threads; a picture under way is finished first if that takes no longer than ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        self._stopping.set()
        self._status_due.set()
        self._queue.close()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def status_device(self) -> str:
        """Device name of its STATUS messages."""
        return self._processor.status_device

    @property
    def takes_target(self) -> bool:
        """Whether a target means anything to this engine."""
        return self._processor.takes_target

    def reject(self, reason: str) -> None:
        """Count a frame that could not even be decoded, and tell why."""
        self._fail(reason)
        with self._unreadable_lock:
            self._n_unreadable += 1

    def submit(
        self,
        kind: str,
        content: object = None,
        arrival_time: float | None = None,
        time_is_known: bool = True,
        sender: str = "",
    ) -> None:
        """Queue work of a kind that :class:`Work` names. Thread-safe; waits only when memory would overflow."""
        if kind in ("frame", "planning"):
            self._senders.heard(sender)
        if kind == "frame":
            if self._health.frame_arrived():
                self._status_due.set()
            if self._paused.is_set():
                return
        arrival = time.time() if arrival_time is None else arrival_time
        with self._unreadable_lock:
            n_unreadable, self._n_unreadable = (self._n_unreadable, 0) if kind == "frame" else (0, self._n_unreadable)
        self._queue.put(Work(kind, content, arrival, time_is_known, n_unreadable))

    def select_method(self, name: str) -> None:
        """Change the reconstruction method between two frames; raises InputError if there is none of that name."""
        check_method(name)
        self.submit("method", name)

    def switch_recording(self, on: bool) -> None:
        """Keep what comes from now on, or no longer; raises InputError for an engine that was not told where to."""
        if self._recorder is None:
            raise InputError("recording: this engine was started without a folder; start it again with --record DIR")
        self.submit("record", on)

    def pause(self, paused: bool) -> None:
        """Ignore frames until resumed."""
        if paused:
            self._paused.set()
        elif self._paused.is_set():
            self._queue.put(Work("resume"))
            self._paused.clear()
        self._health.set_stopped(paused)
        self._status_due.set()

    def wait_until_done(self, timeout_s: float) -> bool:
        """Wait until everything submitted so far is shown; False if that took too long."""
        done = threading.Event()
        self.submit("done", done)
        return done.wait(timeout_s)

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._device.look(self._processor.device)
            waiting: list[FrameRecord] = []
            for work in self._queue.take_all(timeout_s=0.5):
                if self._stopping.is_set():
                    self._record(waiting)
                    return
                if work.kind == "frame":
                    waiting.append(self._ingest(work))
                else:
                    # Commands change what the frames before them would show.
                    self._finish(waiting)
                    waiting = []
                    self._obey(work)
            self._finish(waiting)

    def _finish(self, records: list[FrameRecord]) -> None:
        """Show the newest of the frames that were used, then note what became of each."""
        used = [number for number, record in enumerate(records) if record.is_used]
        if used:
            newest = used[-1]
            shown: list[ShownPicture | None] = []
            failure = self._guarded(lambda: shown.append(self._show(records[newest], len(used) - 1)), loses_state=True)
            picture = shown[-1] if shown else None
            fate = "failed" if failure else "held" if picture is None else "shown"
            # Memory ran out in the picture: the method has begun again with this very frame.
            starts_series = records[newest].starts_series or (not failure and self._starts_series)
            self._starts_series = self._starts_series and bool(failure)
            records[newest] = replace(
                records[newest],
                fate=fate,
                starts_series=starts_series,
                reason=failure,
                latency_ms=None if picture is None else picture.latency_ms,
                results={} if picture is None else picture.results,
            )
        self._record(records)

    def _record(self, records: list[FrameRecord]) -> None:
        if self._recorder is not None:
            for record in records:
                self._recorder.frame(record)

    def _guarded(self, step: Callable[[], object], loses_state: bool = False) -> str:
        """Run a step; whatever goes wrong is counted, reported, returned as reason, and ends with that step.

        Parameters
        ----------
        loses_state
            True where even a refused result (NaN) may have spoiled what the method remembers.
        """
        is_short_of_memory = False
        self._health.work_began()
        try:
            step()
            return ""
        except InputError as error:
            logger.warning("%s", error)
            reason = str(error)
            if not loses_state:
                return self._fail(reason)
        except Exception as error:  # GPU out of memory, a defect: the next frame must still find an engine
            logger.exception("frame failed")
            reason = f"{type(error).__name__}: {error}"
            is_short_of_memory = is_out_of_memory(error)
        finally:
            self._health.work_ended()
        # Only here is the traceback gone, and with it the tensors that it keeps alive.
        if is_short_of_memory and self._retried(step):
            return ""
        return self._start_afresh(reason)

    def _retried(self, step: Callable[[], object]) -> bool:
        """Try again with less and less memory; False if it is not enough."""
        while self._fallback is not None:
            self._health.work_began()
            try:
                what = self._fallback.step_down()
                if what is None:
                    return False
                step()
            except Exception as error:
                logger.warning("still failing: %s", error)
                if not is_out_of_memory(error):
                    return False
                continue
            finally:
                self._health.work_ended()
            logger.warning("out of memory, now %s", what)
            self._starts_series = True
            self._health.fell_back(what)
            self._status_due.set()
            return True
        return False

    def _start_afresh(self, reason: str) -> str:
        self._starts_series = True
        try:
            self._processor.restart()
        except Exception as error:  # a device that is gone fails here, too; the engine must live to tell it
            logger.exception("the series cannot be started afresh")
            return self._fail(f"{reason}; starting afresh failed ({type(error).__name__}: {error}); restart the engine")
        return self._fail(f"{reason}; the series was started afresh")

    def _obey(self, work: Work) -> None:
        """Carry out a command; one that cannot be carried out says nothing about the frames."""
        if work.kind == "planning":
            self._guarded(lambda: self._apply(work))
            return
        try:
            self._apply(work)
        except InputError as error:
            logger.warning("%s: %s", work.kind, error)
        except Exception as error:
            logger.exception("%s failed", work.kind)
            self._fail(f"{work.kind}: {type(error).__name__}: {error}")

    def _fail(self, reason: str) -> str:
        self._health.frame_rejected(reason)
        self._status_due.set()
        return reason

    def _ingest(self, work: Work) -> FrameRecord:
        frame = work.content
        record = FrameRecord(
            frame,
            work.arrival_time,
            "foreign",
            is_used=False,
            time_is_known=work.time_is_known,
            received_s=work.received_s,
        )
        if not self._streams.admits(frame.stream_id, work.received_s):
            self._health.frame_foreign(frame.stream_id, self._streams.current)
            return record
        self._processor.expect_unreadable(work.n_unreadable)
        restarts, accepted_before = self._processor.counters.restarts, self._processor.counters.accepted
        failure = self._guarded(lambda: self._take(frame, accepted_before))
        self._health.planning_used(self._processor.planning_note)
        is_used = not failure and self._processor.counters.accepted > accepted_before
        starts_series = self._starts_series or self._processor.counters.restarts != restarts
        if is_used:
            self._starts_series = False
        return replace(
            record,
            fate="failed" if failure else "skipped" if is_used else "repeated",
            is_used=is_used,
            starts_series=starts_series,
            reason=failure,
            planning=self._processor.planning,
        )

    def _take(self, frame: Frame, accepted_before: int) -> None:
        """Ingest a frame, once: after memory ran out, the fallback has already taken the newest frame again."""
        if self._processor.counters.accepted == accepted_before:
            self._processor.ingest(frame)

    def _apply(self, work: Work) -> None:
        if work.kind == "planning":
            self._processor.set_planning(work.content)
        elif work.kind == "target":
            self._processor.set_target(work.content)
        elif work.kind == "method":
            self._processor.select_method(work.content)
            if self._fallback is not None:
                self._fallback.reset()
            self._health.fell_back("")
        elif work.kind == "done":
            work.content.set()
        elif work.kind == "resume":
            self._processor.expect_gap()
        elif work.kind == "record":
            assert self._recorder is not None
            self._recorder.switch(work.content)
            self._status_due.set()
        else:
            self._processor.reset()
            self._streams.reset()
        if work.kind in ("planning", "method", "reset"):
            self._starts_series = True

    def _show(self, newest: FrameRecord, n_skipped: int) -> ShownPicture | None:
        """Publish the picture that is due; None where the method has no picture yet."""
        produced = self._processor.produce()
        if produced is None:
            self._health.picture_held()
            return None
        image, envelopes = produced
        if self._on_image is not None:
            self._on_image(image)
        # A method with delay shows an older frame than the one that arrived; its picture is older by that much.
        lag_s = newest.frame.acquisition_end_time - image.acquisition_end_time
        latency_ms = (time.monotonic() - newest.received_s + lag_s) * 1e3
        if self._health.picture_shown(latency_ms, n_skipped, image.quality if image.is_unreliable else None):
            self._status_due.set()
        report = self._health.report()
        defaults = common_metadata(image, "image") | {
            "TR.Quality": "nan",
            "TR.State": report.state,
            "TR.Confidence": "nan",
        }
        n_dropped = self._processor.counters.dropped + report.rejected
        figures = {"TR.Latency_ms": f"{latency_ms:.1f}", "TR.Dropped": str(n_dropped)}
        if not newest.time_is_known:
            figures["TR.TimeSource"] = "arrival"
        for envelope in envelopes:
            self._publish(replace(envelope, metadata={**defaults, **envelope.metadata, **figures}))
        return ShownPicture(latency_ms, results_of(image, envelopes))

    def _report(self) -> None:
        while not self._stopping.is_set():
            try:
                self._publish(self.status_envelope())
            except Exception:  # the heartbeat goes on whatever one beat meets
                logger.exception("STATUS could not be sent")
            self._status_due.wait(HEALTH_PERIOD_S)
            self._status_due.clear()

    def status_envelope(self) -> Envelope:
        """The STATUS message of this moment."""
        return status_envelope(
            self._processor.status_device,
            self.health,
            self._processor.counters,
            self._processor.method,
            self._device.state,
            self._senders.count,
            None if self._link_counters is None else self._link_counters(),
            None if self._recorder is None else self._recorder.state,
        )
