"""Messages of one MRD connection turned into series and frames."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ismrmrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_assembler import FrameAssembler, is_imaging_line
from TemporalReconLib.acquisition.kspace_frame import MAX_COILS, KSpaceFrame
from TemporalReconLib.acquisition.line_clock import LineClock
from TemporalReconLib.acquisition.mrd_header import MrdEncoding, parse_mrd_header
from TemporalReconLib.acquisition.prewhitening import NOISE_FLAG, Prewhitening
from TemporalReconLib.errors import InputError
from TemporalReconLib.mrd.frame_rule import FrameRule

_LAST_LINE = sum(1 << (flag - 1) for flag in (ismrmrd.ACQ_LAST_IN_REPETITION, ismrmrd.ACQ_LAST_IN_MEASUREMENT))
_COUNTER_RANGE = 2**16
_SAME_PLACE_MM = 0.1
# In the unit of the vendor: 1 mm, or 0.1 mm where that is the unit.
_SAME_TABLE = 1.0
# Pictures come back later than their lines: tables of so many series are remembered.
_KEPT_TABLES = 8
_SAME_DIRECTION = 1e-3


@dataclass(frozen=True)
class MrdSeriesInfo:
    """What a scan announces before its first line.

    Attributes
    ----------
    stream_id
        Name of the series, never taken from patient data.
    image_shape
        (slice, row, col).
    """

    stream_id: str
    image_shape: tuple[int, int, int]


class FrameStream:
    """Frames of a live scan, assembled as those of files are.

    By repetition, a frame is complete with the line flagged last in its repetition, else when the next repetition
    begins or the scan ends; gaps in the repetition counter become gaps in the frame numbers. Else so many lines make
    a frame, the newest of each where one comes twice. Time stamps count from the first line, which is placed at its
    arrival; where they are zero, or of a vendor whose unit is not known, frames carry the time of their arrival. Noise
    scans on the connection whiten the lines that follow.

    A table that moves begins a new series: what lies where has changed, whatever the positions say. It is not added to
    them: vendors differ in whether positions hold it, and in its unit and sign (Siemens' converter writes raw tenths
    of a millimeter from the table's own zero). Images carry it back as it came. A slice that moves within a frame
    loses the frame's later lines in a repetition, the earlier ones else: lines of two places never meet in one frame.

    Parameters
    ----------
    stream_id
        Name of the connection; scans on it are numbered.
    on_series_start, on_frame
        Called in the thread that feeds the stream.
    rule
        Which lines make a frame.
    """

    def __init__(
        self,
        stream_id: str,
        on_series_start: Callable[[MrdSeriesInfo], None],
        on_frame: Callable[[KSpaceFrame], None],
        clock: Callable[[], float] = time.time,
        rule: FrameRule | None = None,
    ) -> None:
        self._stream_id = stream_id
        self._on_series_start = on_series_start
        self._on_frame = on_frame
        self._wall_clock = clock
        self._rule = rule or FrameRule()
        self._noise = Prewhitening()
        self._n_series = 0
        self._encoding: MrdEncoding | None = None
        self._has_recorded_times = False
        self._table: NDArray[np.float64] | None = None
        self._tables: deque[tuple[str, NDArray[np.float64]]] = deque(maxlen=_KEPT_TABLES)
        self._begin(stream_id)

    def _begin(self, series_id: str) -> None:
        self._series_id = series_id
        self._assembler: FrameAssembler | None = None
        self._clock: LineClock | None = None
        self._places: dict[int, Any] = {}
        self._window: deque[tuple[Any, NDArray[np.complex64]]] = deque(maxlen=self._rule.n_lines or None)
        self._n_new_lines = 0
        self._index = 0
        self._repetition: int | None = None
        self._is_frame_done = False
        self._arrival_s = 0.0

    def start(self, xml: bytes) -> None:
        """Begin a series by its header; the frame so far is delivered first.

        Raises
        ------
        InputError
            If the header cannot be reconstructed; lines are refused until a better one comes.
        """
        self.finish()
        self._encoding = None
        encoding = parse_mrd_header(xml, "MRD stream")
        # Recorded times of a replayed file say nothing about now.
        self._has_recorded_times = encoding.time_origin_s is not None
        self._encoding = replace(encoding, time_origin_s=None, n_slices=max(encoding.n_slices, 1))
        self._table = None
        self._announce()

    def _announce(self) -> None:
        """A new series with the header in force."""
        assert self._encoding is not None
        self._begin(f"{self._stream_id}-{self._n_series}")
        self._n_series += 1
        shape = (self._encoding.n_slices, self._encoding.n_rows, self._encoding.n_columns)
        self._on_series_start(MrdSeriesInfo(self._series_id, shape))

    def add(self, head: Any, samples: NDArray[np.complex64]) -> None:
        """Add one line.

        Raises
        ------
        InputError
            If there is no header yet, or the line does not fit; it is left out. Also with the first line of a series,
            which is taken, if the noise scan before it cannot be used.
        """
        if samples.size == 0 or samples.shape[0] > MAX_COILS:
            raise InputError(
                f"MRD stream: a line of {samples.shape[0]} coils and {samples.shape[1]} samples, expected 1 to "
                f"{MAX_COILS} coils; it is left out"
            )
        if int(head["flags"]) & NOISE_FLAG:
            self._noise.add_noise(samples, float(head["sample_time_us"]))
            return
        if self._encoding is None:
            raise InputError("MRD stream: a line came before a usable header; it is left out")
        if not is_imaging_line(head, self._encoding):
            return
        self._follow_table(head)
        complaint = self._begin_lines(head, samples) if self._clock is None else None
        if self._rule.is_by_repetition:
            self._add_to_repetition(head, self._noise.whitened(samples))
        else:
            self._add_to_window(head, self._noise.whitened(samples))
        if complaint is not None:
            raise complaint

    @property
    def has_clock(self) -> bool:
        """False where the times of frames are those of arrival, because the scanner states none that is understood."""
        return self._clock is not None and self._clock.is_running

    def table_position(self, stream_id: str) -> NDArray[np.float64] | None:
        """Of the first line of one of the last series, (3,) as the scanner states it; None where it is not known."""
        return next((table for known, table in reversed(tuple(self._tables)) if known == stream_id), None)

    def finish(self) -> None:
        """Deliver the frame so far, if there is one."""
        if self._rule.is_by_repetition:
            self._deliver()
        elif self._n_new_lines:
            self._deliver_window()

    def _follow_table(self, head: Any) -> None:
        table = np.asarray(head["patient_table_position"], dtype=np.float64)
        if self._table is not None and np.abs(table - self._table).max() > _SAME_TABLE:
            self.finish()
            self._announce()
        self._table = table
        if not self._tables or self._tables[-1][0] != self._series_id:
            self._tables.append((self._series_id, table))

    def _begin_lines(self, head: Any, samples: NDArray[np.complex64]) -> InputError | None:
        """What the first line of a series decides; why the noise scan cannot be used, which costs no line."""
        assert self._encoding is not None
        tick = int(head["acquisition_time_stamp"])
        self._clock = LineClock(
            self._encoding, tick, origin_s=self._wall_clock(), has_ticks=tick != 0 or self._has_recorded_times
        )
        self._assembler = self._new_assembler()
        try:
            self._noise.begin_series(samples.shape[0], float(head["sample_time_us"]))
        except InputError as error:
            return error
        return None

    def _new_assembler(self) -> FrameAssembler:
        assert self._encoding is not None and self._clock is not None
        return FrameAssembler(
            self._encoding,
            self._encoding.n_slices,
            "MRD stream",
            self._clock,
            stream_id=self._series_id,
            slice_heads=self._places,
        )

    def _add_to_repetition(self, head: Any, samples: NDArray[np.complex64]) -> None:
        assert self._assembler is not None
        repetition = int(head["idx"]["repetition"])
        if self._repetition is None:
            self._repetition = repetition
        elif repetition != self._repetition:
            self._next_frame(repetition)
        elif self._is_frame_done:
            raise InputError(f"MRD stream: a line of repetition {repetition} came after its last one; it is left out")
        if self._assembler.is_empty:
            self._arrival_s = self._wall_clock()
            self._places = {}
        number = int(head["idx"]["slice"])
        if not _is_same_place(head, self._places.setdefault(number, head)):
            raise InputError(
                f"MRD stream: slice {number} moved within repetition {repetition}; "
                "its lines are left out until the next"
            )
        self._assembler.add(head, samples)
        if int(head["flags"]) & _LAST_LINE:
            self._deliver()

    def _next_frame(self, repetition: int) -> None:
        self._deliver()
        step = (repetition - (self._repetition or 0)) % _COUNTER_RANGE
        self._index += step if step < _COUNTER_RANGE // 2 else 1
        self._repetition = repetition
        self._is_frame_done = False

    def _deliver(self) -> None:
        if self._assembler is None or self._assembler.is_empty:
            return
        self._is_frame_done = True
        self._on_frame(self._assembler.finish(self._index, default_time_s=self._arrival_s))

    def _add_to_window(self, head: Any, samples: NDArray[np.complex64]) -> None:
        if self._window and samples.shape[0] != self._window[-1][1].shape[0]:
            raise InputError(
                f"MRD stream: a line of {samples.shape[0]} coils among lines of {self._window[-1][1].shape[0]}; "
                "it is left out"
            )
        self._new_assembler().add(head, samples)  # refuses a line that fits no frame
        number = int(head["idx"]["slice"])
        if not _is_same_place(head, self._places.setdefault(number, head)):
            if self._n_new_lines:
                self._deliver_window()
            self._window.clear()
            self._places = {number: head}
        self._window.append((head, samples))
        self._n_new_lines += 1
        if len(self._window) == self._rule.n_lines and self._n_new_lines >= self._rule.step:
            self._deliver_window()

    def _deliver_window(self) -> None:
        """All lines of the window, each once and at its newest."""
        self._n_new_lines = 0
        newest = {
            (int(head["idx"]["slice"]), int(head["idx"]["kspace_encode_step_1"])): n
            for n, (head, _) in enumerate(self._window)
        }
        assembler = self._new_assembler()
        for number in sorted(newest.values()):
            assembler.add(*self._window[number])
        index, self._index = self._index, self._index + 1
        self._on_frame(assembler.finish(index, default_time_s=self._wall_clock()))


def _is_same_place(head: Any, other: Any) -> bool:
    """Whether two lines of a slice were acquired at the same place."""
    if np.abs(np.subtract(head["position"], other["position"], dtype=np.float64)).max() > _SAME_PLACE_MM:
        return False
    return all(
        np.abs(np.subtract(head[name], other[name], dtype=np.float64)).max() <= _SAME_DIRECTION
        for name in ("read_dir", "phase_dir", "slice_dir")
    )
