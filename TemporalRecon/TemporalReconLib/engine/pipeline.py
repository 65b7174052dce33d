"""The reconstruction as a plain object without sockets: frames in, images out, order and losses counted."""

from __future__ import annotations

import time
from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.geometry import same_geometry
from TemporalReconLib.reconstruction.reconstructor import Reconstructor


@dataclass
class StreamCounters:
    """What happened to the frames of a stream."""

    accepted: int = 0
    missing: int = 0
    repeated: int = 0
    restarts: int = 0


class ReconstructionPipeline:
    """Keeps a stream in order and resets the method's state when the series changes.

    Live and retrospective runs use this same object. A frame index that jumps ahead counts the missing frames;
    a repeated one is dropped; one that steps back, another stream id, another matrix or coil number or a
    changed geometry begins a new series.

    Parameters
    ----------
    follow_geometry
        False where every frame has a place of its own on purpose (slices played as time); otherwise a moved
        table or a changed slice plane resets the state.
    """

    def __init__(self, reconstructor: Reconstructor, follow_geometry: bool = True) -> None:
        self.reconstructor = reconstructor
        self.counters = StreamCounters()
        self._follow_geometry = follow_geometry
        self._last: KSpaceFrame | ImageFrame | None = None

    def set_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        """Start a new series with this planning scan."""
        self.reset()
        self.reconstructor.set_planning(planning)

    def push(self, frame: KSpaceFrame) -> ImageFrame | None:
        """Ingest and reconstruct; None if the frame was a repeat."""
        return self.reconstruct() if self.ingest(frame) else None

    def ingest(self, frame: KSpaceFrame) -> bool:
        """Take a frame's samples; False if it repeats the last one and was dropped."""
        if not self._accept(frame):
            return False
        self.reconstructor.ingest(frame)
        return True

    def count_image(self, frame: ImageFrame) -> bool:
        """Keep the order of a stream of images that need no reconstruction; False if it repeats the last one."""
        return self._accept(frame)

    def reconstruct(self) -> ImageFrame:
        """The image of the newest frame, with the time its reconstruction took."""
        start = time.perf_counter()
        image = self.reconstructor.reconstruct()
        return image.with_latency(time.perf_counter() - start)

    def reset(self) -> None:
        """Forget the series."""
        self.reconstructor.reset()
        self._last = None

    def replace_reconstructor(self, reconstructor: Reconstructor) -> None:
        """Go on with another method; it starts without history."""
        self.reset()
        self.reconstructor = reconstructor

    def _accept(self, frame: KSpaceFrame | ImageFrame) -> bool:
        last = self._last
        if last is not None:
            if self._starts_new_series(last, frame):
                self.counters.restarts += 1
                self.reset()
            elif frame.index == last.index:
                self.counters.repeated += 1
                return False
            else:
                self.counters.missing += frame.index - last.index - 1
        self._last = frame
        self.counters.accepted += 1
        return True

    def _starts_new_series(self, last: KSpaceFrame | ImageFrame, frame: KSpaceFrame | ImageFrame) -> bool:
        if frame.stream_id != last.stream_id or frame.index < last.index or frame.data.shape != last.data.shape:
            return True
        return self._follow_geometry and not same_geometry(frame.ijk_to_ras, last.ijk_to_ras, tolerance_mm=0.1)
