"""What every segmentation offers, so that learned methods drop in."""

from __future__ import annotations

from typing import Protocol

from TemporalReconLib.acquisition.image_frame import ImageFrame

from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask


class Segmenter(Protocol):
    """Labels guide and needle in one picture; no memory of earlier ones."""

    def segment(self, image: ImageFrame) -> InstrumentMask:
        """Mask of the geometry of the image; empty where there is no instrument."""
        ...
