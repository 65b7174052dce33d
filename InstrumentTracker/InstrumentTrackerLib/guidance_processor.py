"""The whole way from samples to needle behind one engine."""

from __future__ import annotations

from pathlib import Path

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.processor import Frame, ReconstructionProcessor
from TemporalReconLib.igtl.envelope import Envelope

from InstrumentTrackerLib.guidance_messages import guidance_envelopes
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.targeting.target import Target


class GuidanceProcessor(ReconstructionProcessor):
    """Reconstruction followed by localization, tracking and targeting."""

    status_device = "InstrumentTracker"
    takes_target = True

    def __init__(
        self,
        method: str,
        device: str = "auto",
        weights: Path | None = None,
        target: Target | None = None,
        send_scan_plane: bool = False,
    ) -> None:
        super().__init__(method, device, weights)
        self.tracking = TrackingPipeline(target)
        self._send_scan_plane = send_scan_plane
        self._restarts = 0

    def set_planning(self, planning: Frame) -> None:
        super().set_planning(planning)
        self.tracking.reset()

    def ingest(self, frame: Frame) -> bool:
        accepted = super().ingest(frame)
        if self.counters.restarts != self._restarts:
            self._restarts = self.counters.restarts
            self.tracking.reset()
        return accepted

    def produce(self) -> tuple[ImageFrame, list[Envelope]] | None:
        image = self.image()
        if image is None:
            return None
        guidance = self.tracking.push(image)
        return guidance.image, guidance_envelopes(guidance, self._send_scan_plane)

    def set_target(self, target: tuple[float, float, float] | None) -> None:
        entry = self.tracking.target.entry if self.tracking.target is not None else None
        self.tracking.target = None if target is None else Target(target, entry)

    def reset(self) -> None:
        super().reset()
        self.tracking.reset()

    def restart(self) -> None:
        super().restart()
        self.tracking.reset()
