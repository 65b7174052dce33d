"""What every localization of a single picture offers; the benchmark compares them by it."""

from __future__ import annotations

from typing import Protocol

from TemporalReconLib.acquisition.image_frame import ImageFrame

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask


class Localizer(Protocol):
    """Measures guide tip, needle tip and axis in one picture."""

    def localize(self, image: ImageFrame, mask: InstrumentMask | None = None) -> InstrumentPose:
        """Pose of one frame; without numbers where nothing is found.

        Parameters
        ----------
        mask
            Of the same geometry, where a segmentation ran before.
        """
        ...
