"""The whole way from samples to needle behind one engine."""

from __future__ import annotations

from pathlib import Path

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.processor import Frame, ReconstructionProcessor
from TemporalReconLib.igtl.envelope import Envelope

from InstrumentTrackerLib.guidance.messages import guidance_envelopes
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.targeting.target import Target


class GuidanceProcessor(ReconstructionProcessor):
    """Reconstruction followed by segmentation, localization, tracking and targeting."""

    status_device = "InstrumentTracker"
    takes_target = True

    def __init__(
        self,
        method: str,
        device: str = "auto",
        weights: Path | None = None,
        tracking: TrackingPipeline | None = None,
        send_scan_plane: bool = False,
    ) -> None:
        super().__init__(method, device, weights)
        self.tracking = TrackingPipeline() if tracking is None else tracking
        self._send_scan_plane = send_scan_plane
        self._restarts = 0

    def set_planning(self, planning: Frame) -> None:
        super().set_planning(planning)
        self.tracking.set_planning(planning)

    def ingest(self, frame: Frame) -> bool:
        planning = self.planning
        accepted = super().ingest(frame)
        if self.counters.restarts != self._restarts:
            self._restarts = self.counters.restarts
            self._follow_restart()
        elif self.planning is not planning:
            self._follow_planning()
        if accepted and isinstance(frame, KSpaceFrame):
            self.tracking.ingest(frame)
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
        self._follow_restart()

    def _follow_restart(self) -> None:
        """The planning scan outlives a restart at the same place, here as in the reconstruction."""
        if self.planning is None:
            self.tracking.reset()
        else:
            self.tracking.restart()

    def _follow_planning(self) -> None:
        """The reconstruction has fitted the planning scan to the series, or left it out."""
        if self.planning is None:
            self.tracking.reset()
        else:
            self.tracking.set_planning(self.planning)
