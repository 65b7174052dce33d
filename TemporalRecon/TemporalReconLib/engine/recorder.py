"""What came in, kept on disk: raw data as ISMRMRD files and one line per frame of what became of it."""

from __future__ import annotations

import json
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from TemporalReconLib.acquisition.frame_series import Frame
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.ismrmrd_writer import SERIES_GROUP, IsmrmrdAppender
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.disk_space import RESERVE_BYTES, DiskSpace
from TemporalReconLib.engine.image_recording import ImageAppender
from TemporalReconLib.errors import InputError

logger = logging.getLogger(__name__)

Appender = IsmrmrdAppender | ImageAppender

# Frames that were not used lie beside the series, so that the series alone replays what was seen.
DROPPED_GROUP = "dropped"
MAX_WAITING_BYTES = 256 << 20
MAX_WAITING_ITEMS = 10_000
# A file that can be copied and opened in reasonable time; the series goes on in the next one.
MAX_FILE_BYTES = 4 << 30
_CLOSE_S = 1.5


@dataclass(frozen=True, eq=False)
class FrameRecord:
    """A frame and its fate.

    Attributes
    ----------
    frame
        As it came in.
    arrival_time
        UTC epoch seconds.
    fate
        ``shown`` (a picture went out after it), ``skipped`` (used, but a newer picture was shown), ``held`` (used,
        but the method had no picture yet), ``repeated``, ``foreign`` (another stream was being shown) or ``failed``.
    is_used
        True if its samples went into the reconstruction.
    starts_series
        True where the reconstruction began without history.
    latency_ms
        Arrival to publication of the picture, and by how much the frame in it is older; None without one.
    reason
        Why it failed.
    time_is_known
        False where its sender stated no time.
    planning
        The planning scan in use when the frame was taken.
    received_s
        ``arrival_time`` by a clock that never jumps.
    results
        What was found in its picture, see :func:`~TemporalReconLib.engine.frame_results.results_of`.
    """

    frame: Frame
    arrival_time: float
    fate: str
    is_used: bool
    starts_series: bool = False
    latency_ms: float | None = None
    reason: str = ""
    time_is_known: bool = True
    planning: Frame | None = None
    received_s: float = 0.0
    results: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordingState:
    """Frames written, frames lost because the disk did not keep up, why the recording stopped, and a warning before.

    Both texts are empty where all is well.
    """

    written: int
    lost: int
    failure: str
    warning: str = ""

    @property
    def text(self) -> str:
        """One phrase for a user."""
        if self.failure:
            return f"recording stopped: {self.failure}"
        lost = f", {self.lost} lost (slow disk)" if self.lost else ""
        return f"recording, {self.written} frames{lost}" + (f", {self.warning}" if self.warning else "")


class Recorder:
    """Writes in a thread of its own; giving it a frame never waits, and a failing disk stops only the recording.

    Files are named by the time the recording began and a counter: ``20260131T120000_000Z.jsonl`` (one line per
    frame) and ``20260131T120000_000Z_001.h5``, a new one for every series and where one grows too large. Images that
    came as images go to ``..._001_images.h5`` as ISMRMRD images, frames that were left out and do not fit the series
    to ``..._001_unused.h5``. Nothing in a name comes from a sender.

    Parameters
    ----------
    folder
        Made if it is missing.
    max_file_bytes
        A file that has grown to this size is followed by the next.
    reserve_bytes
        The recording stops rather than leave less free space on the disk.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        now = time.time()
        stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}_{int(now * 1000) % 1000:03d}Z"
        self._base = folder / stamp
        self._max_waiting_bytes = max_waiting_bytes
        self._max_file_bytes = max_file_bytes
        self._disk = DiskSpace(folder, reserve_bytes)
        self._waiting: queue.Queue[FrameRecord | None] = queue.Queue(MAX_WAITING_ITEMS)
        self._lock = threading.Lock()
        self._waiting_bytes = self._written = self._lost = self._n_files = 0
        self._failure = ""
        self._series: Appender | None = None
        self._unused: Appender | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._log: IO[str] = self._base.with_suffix(".jsonl").open("x", encoding="ascii")
        except OSError as error:
            raise InputError(f"--record {folder}: cannot be written to ({error.strerror or error})") from None
        self._thread = threading.Thread(target=self._run, name="engine-recorder", daemon=True)

    @property
    def state(self) -> RecordingState:
        with self._lock:
            return RecordingState(self._written, self._lost, self._failure, self._disk.warning)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = _CLOSE_S) -> None:
        """Write what waits and close the files; gives up after ``timeout_s``, and the files are readable then, too."""
        self._put(None, 0)
        self._thread.join(timeout_s)

    def frame(self, record: FrameRecord) -> None:
        """Keep a frame; never waits."""
        self._put(record, _bytes_of(record.frame))

    def _put(self, item: FrameRecord | None, n_bytes: int) -> None:
        with self._lock:
            if self._failure:
                return
            if self._waiting_bytes + n_bytes > self._max_waiting_bytes:
                self._lost += 1
                return
            try:
                self._waiting.put_nowait(item)
            except queue.Full:
                self._lost += 1
                return
            self._waiting_bytes += n_bytes

    def _run(self) -> None:
        try:
            while (item := self._waiting.get()) is not None:
                self._write(item)
                with self._lock:
                    self._waiting_bytes -= _bytes_of(item.frame)
        except Exception as error:  # HDF5 reports a full disk by various types; none of them may end the engine
            self._fail(error)
        for close in (self._close_series, self._close_unused, self._log.close):
            try:
                close()
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Stop recording; what follows the first failure is its consequence and not told."""
        reason = _reason_of(error)
        with self._lock:
            is_first = not self._failure
            self._failure = self._failure or reason
        if is_first:
            logger.error("recording to %s stopped: %s", self._base.parent, reason)

    def _write(self, item: FrameRecord) -> None:
        self._disk.require(_bytes_of(item.frame))
        if self._series is not None and (item.starts_series or self._is_full(self._series)):
            self._close_series()
        series = self._series_for(item)
        place: dict[str, Any] = {"file": series.path.name}
        if isinstance(item.frame, KSpaceFrame) and isinstance(series, IsmrmrdAppender):
            place["group"] = SERIES_GROUP if item.is_used else DROPPED_GROUP
            place["repetition"] = series.append(item.frame, place["group"])
        elif isinstance(item.frame, ImageFrame) and isinstance(series, ImageAppender):
            place["repetition"] = series.append(item.frame)
        self._log.write(json.dumps(_line(item) | place) + "\n")
        self._log.flush()
        with self._lock:
            self._written += 1

    def _is_full(self, series: Appender) -> bool:
        return series.path.stat().st_size >= self._max_file_bytes

    def _series_for(self, item: FrameRecord) -> Appender:
        """The open file; where the frame does not fit into it, the next, or one of its own for unused frames."""
        if self._series is not None and _fits(self._series, item.frame):
            return self._series
        if item.is_used or self._series is None:
            self._close_series()
            self._series = self._new_file(item, "")
            return self._series
        if self._unused is None or not _fits(self._unused, item.frame) or self._is_full(self._unused):
            self._close_unused()
            self._unused = self._new_file(replace(item, planning=None), "_unused")
        return self._unused

    def _new_file(self, item: FrameRecord, suffix: str) -> Appender:
        self._n_files += 1
        name = f"{self._base.name}_{self._n_files:03d}"
        if isinstance(item.frame, ImageFrame):
            return ImageAppender(self._base.with_name(f"{name}_images{suffix}.h5"))
        # The stream's name is the sender's: only characters that XML allows go into the header.
        first = replace(item.frame, stream_id=re.sub(r"[^ -~]", "_", item.frame.stream_id)[:64])
        scan = item.planning if isinstance(item.planning, KSpaceFrame) else None
        return IsmrmrdAppender(self._base.with_name(f"{name}{suffix}.h5"), first, scan)

    def _close_series(self) -> None:
        series, self._series = self._series, None
        if series is not None:
            series.close()

    def _close_unused(self) -> None:
        series, self._unused = self._unused, None
        if series is not None:
            series.close()


def _fits(series: Appender, frame: Frame) -> bool:
    if isinstance(series, IsmrmrdAppender):
        return isinstance(frame, KSpaceFrame) and series.fits(frame)
    return isinstance(frame, ImageFrame) and series.fits(frame)


def _reason_of(error: Exception) -> str:
    """The system's own words, or the first line of an error of HDF5."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _bytes_of(frame: Frame) -> int:
    return int(frame.data.nbytes)


def _line(record: FrameRecord) -> dict[str, Any]:
    frame = record.frame
    return {
        "index": frame.index,
        "stream": frame.stream_id,
        "fate": record.fate,
        "accepted": record.is_used,
        "starts_series": record.starts_series,
        "shown": record.fate == "shown",
        "acquisition_start_time": frame.acquisition_start_time,
        "acquisition_end_time": frame.acquisition_end_time,
        "arrival_time": record.arrival_time,
        "latency_ms": record.latency_ms,
        "reason": record.reason,
        "results": dict(record.results),
    }
