"""Messages of one MRD connection turned into series and frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ismrmrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_assembler import FrameAssembler, is_imaging_line
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.line_clock import LineClock
from TemporalReconLib.acquisition.mrd_header import MrdEncoding, parse_mrd_header
from TemporalReconLib.errors import InputError

_LAST_LINE = sum(1 << (flag - 1) for flag in (ismrmrd.ACQ_LAST_IN_REPETITION, ismrmrd.ACQ_LAST_IN_MEASUREMENT))
_COUNTER_RANGE = 2**16


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

    A frame is complete with the line flagged last in its repetition, else when the next repetition begins or
    the scan ends. Gaps in the repetition counter become gaps in the frame numbers. Time stamps count from the
    first line, which is placed at its arrival.

    Parameters
    ----------
    stream_id
        Name of the connection; scans on it are numbered.
    on_series_start, on_frame
        Called in the thread that feeds the stream.
    """

    def __init__(
        self,
        stream_id: str,
        on_series_start: Callable[[MrdSeriesInfo], None],
        on_frame: Callable[[KSpaceFrame], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._stream_id = stream_id
        self._on_series_start = on_series_start
        self._on_frame = on_frame
        self._wall_clock = clock
        self._n_series = 0
        self._encoding: MrdEncoding | None = None
        self._assembler: FrameAssembler | None = None
        self._series_id = stream_id
        self._has_recorded_times = False
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
        self._encoding = self._assembler = None
        encoding = parse_mrd_header(xml, "MRD stream")
        self._series_id = f"{self._stream_id}-{self._n_series}"
        self._n_series += 1
        # Recorded times of a replayed file say nothing about now.
        self._has_recorded_times = encoding.time_origin_s is not None
        self._encoding = replace(encoding, time_origin_s=None, n_slices=max(encoding.n_slices, 1))
        self._index = 0
        self._repetition = None
        self._is_frame_done = False
        shape = (self._encoding.n_slices, encoding.n_rows, encoding.n_columns)
        self._on_series_start(MrdSeriesInfo(self._series_id, shape))

    def add(self, head: Any, samples: NDArray[np.complex64]) -> None:
        """Add one line.

        Raises
        ------
        InputError
            If there is no header yet, or the line does not fit; it is left out.
        """
        if self._encoding is None:
            raise InputError("MRD stream: a line came before a usable header; it is left out")
        if not is_imaging_line(head, self._encoding):
            return
        if self._assembler is None:
            self._assembler = self._new_assembler(head)
        repetition = int(head["idx"]["repetition"])
        if self._repetition is None:
            self._repetition = repetition
        elif repetition != self._repetition:
            self._next_frame(repetition)
        elif self._is_frame_done:
            raise InputError(f"MRD stream: a line of repetition {repetition} came after its last one; it is left out")
        if self._assembler.is_empty:
            self._arrival_s = self._wall_clock()
        self._assembler.add(head, samples)
        if int(head["flags"]) & _LAST_LINE:
            self._deliver()

    def finish(self) -> None:
        """Deliver the frame so far, if there is one."""
        self._deliver()

    def _new_assembler(self, head: Any) -> FrameAssembler:
        assert self._encoding is not None
        tick = int(head["acquisition_time_stamp"])
        clock = LineClock(
            self._encoding, tick, origin_s=self._wall_clock(), has_ticks=tick != 0 or self._has_recorded_times
        )
        return FrameAssembler(self._encoding, self._encoding.n_slices, "MRD stream", clock, stream_id=self._series_id)

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
