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
from TemporalReconLib.acquisition.ismrmrd_writer import IsmrmrdAppender
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.mrd_conventions import SERIES_GROUP
from TemporalReconLib.engine.disk_space import RESERVE_BYTES, DiskSpace
from TemporalReconLib.engine.image_recording import ImageAppender
from TemporalReconLib.engine.recording_state import RecordingState
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
_LOOK_PERIOD_S = 1.0
# Without its path, which may name a patient and is nothing for the wire; panel and engine's log tell it.
_FOLDER_GONE = "the folder is gone; bring it back, then switch the recording off and on"


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
class _Switch:
    on: bool


class Recorder:
    """Writes in a thread of its own; giving it a frame never waits, and a failing disk stops only the recording.

    Files are named by the time the recording began and a counter: ``20260131T120000_000Z.jsonl`` (one line per
    frame) and ``20260131T120000_000Z_001.h5``, a new one for every series and where one grows too large. Images that
    came as images go to ``..._001_images.h5`` as ISMRMRD images, frames that were left out and do not fit the series
    to ``..._001_unused.h5``. A planning scan of k-space lies in the file of its series, a planning image in
    ``..._001_planning_images.h5``, which the lines of its frames name. Nothing in a name comes from a sender.

    It can be switched off and on: each time it is on has files of its own, and their log says where it was switched
    (``{"event": "recording on", "time": ...}``).

    Parameters
    ----------
    folder
        Made if it is missing.
    max_file_bytes
        A file that has grown to this size is followed by the next.
    reserve_bytes
        The recording stops rather than leave less free space on the disk.
    is_on
        False waits to be switched on.

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
        is_on: bool = True,
    ) -> None:
        self._folder = folder
        self._max_waiting_bytes = max_waiting_bytes
        self._max_file_bytes = max_file_bytes
        self._disk = DiskSpace(folder, reserve_bytes)
        self._waiting: queue.SimpleQueue[FrameRecord | _Switch | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._state = RecordingState(is_on)
        self._looked_s = -_LOOK_PERIOD_S
        self._series: Appender | None = None
        self._unused: Appender | None = None
        self._planning: ImageFrame | None = None
        self._planning_path: Path | None = None
        self._log: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if is_on:
                self._open_log()
        except OSError as error:
            raise InputError(f"--record {folder}: cannot be written to ({error.strerror or error})") from None
        self._thread = threading.Thread(target=self._run, name="engine-recorder", daemon=True)

    @property
    def state(self) -> RecordingState:
        with self._lock:
            return replace(self._state, warning=self._disk.warning if self._state.is_on else "")

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = _CLOSE_S) -> None:
        """Write what waits and close the files; gives up after ``timeout_s``, and the files are readable then, too."""
        self._waiting.put(None)
        self._thread.join(timeout_s)

    def switch(self, on: bool) -> None:
        """Begin new files, or close those of now; never waits. Frames given before are kept all the same.

        A recording that had stopped, because the disk was full for instance, is tried again.
        """
        with self._lock:
            if on == self._state.is_on and not self._state.failure:
                return
            self._state = RecordingState(on, free_bytes=self._state.free_bytes)
        self._waiting.put(_Switch(on))

    def frame(self, record: FrameRecord) -> None:
        """Keep a frame while the recording is on; never waits."""
        n_bytes = _bytes_of(record.frame)
        with self._lock:
            if not self._state.is_on or self._state.failure:
                return
            if self._waiting_bytes + n_bytes > self._max_waiting_bytes or self._waiting.qsize() >= MAX_WAITING_ITEMS:
                self._state = replace(self._state, lost=self._state.lost + 1)
                return
            self._waiting_bytes += n_bytes
        self._waiting.put(record)

    def _run(self) -> None:
        is_broken = False
        while True:
            try:
                item = self._waiting.get(timeout=_LOOK_PERIOD_S)
            except queue.Empty:
                self._look()
                continue
            if item is None:
                break
            try:
                if isinstance(item, _Switch):
                    self._turn(item.on)
                    is_broken = False
                elif not is_broken:
                    self._write(item)
            except Exception as error:  # HDF5 reports a full disk by various types; none of them may end the engine
                is_broken = True
                self._fail(error)
                self._close_files()
            if isinstance(item, FrameRecord):
                with self._lock:
                    self._waiting_bytes -= _bytes_of(item.frame)
            self._look()
        self._close_files()

    def _turn(self, on: bool) -> None:
        if on:
            self._open_log()
            self._disk.begin()
            self._note("recording on")
        elif self._log is not None:
            self._note("recording off")
            self._close_files()
        self._looked_s = -_LOOK_PERIOD_S

    def _open_log(self) -> None:
        """A new name for all files from now on, and the log of that name."""
        time_s = time.time()
        while True:
            stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(time_s))}_{int(time_s * 1000) % 1000:03d}Z"
            self._base = self._folder / stamp
            self._paths = [self._base.with_suffix(".jsonl")]
            self._n_files = 0
            self._planning_path = None
            try:
                self._log = self._paths[0].open("x", encoding="ascii")
                return
            except FileExistsError:  # switched off and on within a millisecond, or another engine's
                time_s += 1e-3

    def _note(self, event: str) -> None:
        """A line of the log that is about no frame."""
        assert self._log is not None
        self._log.write(json.dumps({"event": event, "time": time.time()}) + "\n")
        self._log.flush()

    def _look(self) -> None:
        """Size and free space for those who ask, once a second; here, because a disk may take its time to answer."""
        now = time.monotonic()
        if now - self._looked_s < _LOOK_PERIOD_S:
            return
        self._looked_s = now
        try:
            free = self._disk.free_bytes
            n_bytes = sum(path.stat().st_size for path in self._paths) if self._log is not None else 0
        except OSError:  # the folder is gone; the next frame that is written tells
            return
        with self._lock:
            self._state = replace(self._state, n_bytes=n_bytes, free_bytes=free)

    def _close_files(self) -> None:
        for close in (self._close_series, self._close_unused, self._close_log):
            try:
                close()
            except Exception as error:  # as above
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Stop recording; what follows the first failure is its consequence and not told."""
        is_gone = not self._folder.is_dir()
        reason = _FOLDER_GONE if is_gone else _reason_of(error)
        with self._lock:
            is_first = not self._state.failure
            free = None if is_gone else self._state.free_bytes
            self._state = replace(self._state, failure=self._state.failure or reason, free_bytes=free)
        if is_first:
            logger.error("recording to %s stopped: %s", self._folder, reason)

    def _write(self, item: FrameRecord) -> None:
        self._disk.require(_bytes_of(item.frame))
        if self._series is not None and (item.starts_series or self._is_full(self._series)):
            self._close_series()
        series = self._series_for(item)
        place: dict[str, Any] = {"file": series.path.name}
        if isinstance(item.frame, KSpaceFrame) and isinstance(series, IsmrmrdAppender):
            place["group"] = SERIES_GROUP if item.is_used else DROPPED_GROUP
            place["repetition"] = series.append(item.frame, place["group"])
            if isinstance(item.planning, ImageFrame):
                place["planning"] = self._path_of_planning(item.planning).name
        elif isinstance(item.frame, ImageFrame) and isinstance(series, ImageAppender):
            place["repetition"] = series.append(item.frame)
        assert self._log is not None
        self._log.write(json.dumps(_line(item) | place) + "\n")
        self._log.flush()
        with self._lock:
            self._state = replace(self._state, written=self._state.written + 1)

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
        is_image = isinstance(item.frame, ImageFrame)
        path = self._base.with_name(f"{self._base.name}_{self._n_files:03d}{'_images' if is_image else ''}{suffix}.h5")
        self._paths.append(path)
        if isinstance(item.frame, ImageFrame):
            return ImageAppender(path)
        # The stream's name is the sender's: only characters that XML allows go into the header.
        first = replace(item.frame, stream_id=re.sub(r"[^ -~]", "_", item.frame.stream_id)[:64])
        scan = item.planning if isinstance(item.planning, KSpaceFrame) else None
        return IsmrmrdAppender(path, first, scan)

    def _path_of_planning(self, planning: ImageFrame) -> Path:
        """The file of a planning image, written when a frame used it first."""
        if self._planning_path is None or planning is not self._planning:
            path = self._base.with_name(f"{self._base.name}_{self._n_files:03d}_planning_images.h5")
            self._paths.append(path)
            appender = ImageAppender(path)
            appender.append(planning)
            appender.close()
            self._planning, self._planning_path = planning, path
        return self._planning_path

    def _close_series(self) -> None:
        series, self._series = self._series, None
        if series is not None:
            series.close()

    def _close_unused(self) -> None:
        series, self._unused = self._unused, None
        if series is not None:
            series.close()

    def _close_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            log.close()


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
