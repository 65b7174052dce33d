"""The reconstruction as a plain object without sockets: frames in, images out, order and losses counted."""

from __future__ import annotations

import time
from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.planning_fit import SAME_PLACE_MM, fitted_planning
from TemporalReconLib.geometry import same_geometry
from TemporalReconLib.reconstruction.reconstructor import Reconstructor


@dataclass
class StreamCounters:
    """What happened to the frames of a stream.

    ``missing`` and ``repeated`` frames are lost; one that came, but could not be read, is not missing. A frame that
    ``stepped_back``, of another stream or matrix, or from another place (``moved``) begins a new series; ``restarts``
    counts all of these.
    """

    accepted: int = 0
    missing: int = 0
    repeated: int = 0
    stepped_back: int = 0
    moved: int = 0
    restarts: int = 0

    @property
    def dropped(self) -> int:
        """Frames of the stream that never became part of it."""
        return self.missing + self.repeated


class ReconstructionPipeline:
    """Keeps a stream in order and resets the method's state when the series changes.

    Live and retrospective runs use this same object. A frame index that jumps ahead counts the missing frames;
    a repeated one is dropped; one that steps back, another stream id, another matrix or coil number or a
    changed geometry begins a new series. The planning scan outlives a restart at the same place; one of another
    geometry than the series is fitted to it or left out, see
    :func:`~TemporalReconLib.engine.planning_fit.fitted_planning`.

    Parameters
    ----------
    follow_geometry
        False where every frame has a place of its own on purpose (slices played as time); otherwise a moved
        table or a changed slice plane resets the state.

    Attributes
    ----------
    planning_note
        What a user should know of the planning scan; empty where it is used as it was sent.
    """

    def __init__(self, reconstructor: Reconstructor, follow_geometry: bool = True) -> None:
        self.reconstructor = reconstructor
        self.counters = StreamCounters()
        self.follow_geometry = follow_geometry
        self._last: KSpaceFrame | ImageFrame | None = None
        self._planning: KSpaceFrame | ImageFrame | None = None
        self._expects_gap = False
        self._n_unreadable = 0
        self.planning_note = ""

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Start a new series with this planning scan, which is fitted to the first frame when that comes."""
        self.reset()
        self.reconstructor.set_planning(planning)
        self._planning = planning

    @property
    def planning(self) -> KSpaceFrame | ImageFrame | None:
        """The planning scan in use."""
        return self._planning

    @property
    def n_slices(self) -> int:
        """Slices of the newest frame; 0 before the first."""
        return 0 if self._last is None else int(self._last.data.shape[-3])

    def push(self, frame: KSpaceFrame) -> ImageFrame | None:
        """Ingest and reconstruct; None if the frame was a repeat or no image is due yet."""
        return self.reconstruct() if self.ingest(frame) else None

    def ingest(self, frame: KSpaceFrame) -> bool:
        """Take a frame's samples; False if it repeats the last one and was dropped."""
        restarts, is_first = self.counters.restarts, self._last is None
        if not self._accept(frame):
            return False
        if is_first or self.counters.restarts != restarts:
            self._fit_planning(frame)
        self.reconstructor.ingest(frame)
        return True

    def count_image(self, frame: ImageFrame) -> bool:
        """Keep the order of a stream of images that need no reconstruction; False if it repeats the last one."""
        return self._accept(frame)

    def reconstruct(self) -> ImageFrame | None:
        """The image that is due, with the time its reconstruction took; None while the method has none."""
        start = time.perf_counter()
        image = self.reconstructor.reconstruct()
        return None if image is None else image.with_latency(time.perf_counter() - start)

    def finish(self) -> list[ImageFrame]:
        """What the method's delay still holds back at the end of a series, each with its share of the time."""
        start = time.perf_counter()
        images = self.reconstructor.finish()
        latency_s = (time.perf_counter() - start) / max(len(images), 1)
        return [image.with_latency(latency_s) for image in images]

    def reset(self) -> None:
        """Forget the series and its planning scan."""
        self.reconstructor.reset()
        self._last = self._planning = None
        self.planning_note = ""

    def restart(self) -> None:
        """Begin a new series of the same place: the planning scan stays."""
        self.reconstructor.reset()
        self._last = None
        if self._planning is not None:
            self.reconstructor.set_planning(self._planning)

    def expect_gap(self) -> None:
        """Frames were ignored on purpose: the next jump ahead in the index is no loss."""
        self._expects_gap = True

    def expect_unreadable(self, n_frames: int) -> None:
        """So many frames came that could not be read; others count them, and the gap they leave is no further loss."""
        self._n_unreadable += n_frames

    def replace_reconstructor(self, reconstructor: Reconstructor) -> None:
        """Go on with another method; it starts without history but with the planning scan."""
        self.reconstructor = reconstructor
        self.restart()

    def go_on_with(self, reconstructor: Reconstructor) -> None:
        """Another reconstructor takes over from the newest frame on, which is not counted again."""
        self.reconstructor = reconstructor
        reconstructor.reset()
        if self._planning is not None:
            reconstructor.set_planning(self._planning)
        if isinstance(self._last, KSpaceFrame):
            reconstructor.ingest(self._last)

    def starts_new_series(self, frame: KSpaceFrame | ImageFrame) -> bool:
        """Whether this frame would begin a new series; the images held back of the old one are lost then."""
        last = self._last
        if last is None:
            return False
        if frame.stream_id != last.stream_id or frame.index < last.index or frame.data.shape != last.data.shape:
            return True
        return self._has_moved(frame, last)

    def _has_moved(self, frame: KSpaceFrame | ImageFrame, last: KSpaceFrame | ImageFrame) -> bool:
        return self.follow_geometry and not same_geometry(frame.ijk_to_ras, last.ijk_to_ras, SAME_PLACE_MM)

    def _accept(self, frame: KSpaceFrame | ImageFrame) -> bool:
        last = self._last
        if last is not None:
            if self.starts_new_series(frame):
                self.counters.restarts += 1
                if frame.stream_id == last.stream_id:
                    self.counters.stepped_back += frame.index < last.index
                    self.counters.moved += self._has_moved(frame, last)
                self._start_again_with(frame)
            elif frame.index == last.index:
                self.counters.repeated += 1
                return False
            elif not self._expects_gap:
                self.counters.missing += max(0, frame.index - last.index - 1 - self._n_unreadable)
        self._expects_gap = False
        self._n_unreadable = 0
        self._last = frame
        self.counters.accepted += 1
        return True

    def _fit_planning(self, first: KSpaceFrame) -> None:
        """Bring the planning scan to the place of the series that begins with this frame."""
        if self._planning is None or not self.follow_geometry:
            return
        fitted, note = fitted_planning(self._planning, first)
        if fitted is not self._planning:
            self._planning = fitted
            self.reconstructor.reset()
            if fitted is not None:
                self.reconstructor.set_planning(fitted)
            self.planning_note = note

    def _start_again_with(self, frame: KSpaceFrame | ImageFrame) -> None:
        planning = self._planning
        fits = planning is not None and planning.data.shape[-3:] == frame.data.shape[-3:]
        if planning is not None and fits and same_geometry(planning.ijk_to_ras, frame.ijk_to_ras, SAME_PLACE_MM):
            self.restart()
        else:
            self.reset()
            if planning is not None:
                self.planning_note = "the planning scan is no longer used: the series has moved; send a new one"
