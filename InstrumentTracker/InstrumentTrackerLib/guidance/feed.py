"""The newest whole frame of guidance that came from an engine, for a display that asks when it can draw."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine_client.image import age_on_arrival_s
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.envelope import Envelope

from InstrumentTrackerLib.guidance.messages import GuidanceAssembler
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class ReceivedFrame:
    """Picture, mask and pose of one and the same frame.

    Attributes
    ----------
    age_on_arrival_s
        Seconds from the middle of the acquisition to the arrival.
    arrived_at
        Monotonic clock, s.
    """

    image: ImageFrame
    mask: InstrumentMask | None
    tracked: TrackedPose
    age_on_arrival_s: float
    arrived_at: float

    @property
    def age_s(self) -> float:
        """Seconds since the middle of the acquisition, now."""
        return self.age_on_arrival_s + time.monotonic() - self.arrived_at


class GuidanceFeed:
    """Takes messages on the link's thread and hands the newest whole frame to the display's.

    Attributes
    ----------
    n_rejected
        Messages that did not fit the contract.
    """

    def __init__(self) -> None:
        self._assembler = GuidanceAssembler()
        self._newest: ReceivedFrame | None = None
        self._lock = threading.Lock()
        self.n_rejected = 0

    def accept(self, envelope: Envelope) -> None:
        """Take a message in the order of arrival; one that does not fit is counted and logged."""
        try:
            frame = self._assembler.add(envelope)
        except InputError as error:
            self.n_rejected += 1
            logger.warning("guidance message dropped: %s", error)
            return
        if frame is None:
            return
        received = ReceivedFrame(*frame, age_on_arrival_s(envelope), time.monotonic())
        with self._lock:
            self._newest = received

    def newest(self) -> ReceivedFrame | None:
        """The newest whole frame, or None before the first."""
        with self._lock:
            return self._newest
