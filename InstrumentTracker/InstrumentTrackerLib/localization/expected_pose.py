"""Where the instrument is expected, as far as a localization needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from InstrumentTrackerLib.localization.instrument_pose import Point


class ExpectedPose(Protocol):
    """What is known of the instrument before the picture is looked at: it narrows a search, never the answer.

    A :class:`~InstrumentTrackerLib.tracking.tracked_pose.TrackedPose` of the picture before is one. All parts are
    None where nothing is expected: points RAS mm (3,), ``axis`` a unit vector (3,) RAS toward the tip, ``tip`` the
    needle tip, else the guide tip.
    """

    @property
    def guide_tip(self) -> Point | None: ...

    @property
    def needle_tip(self) -> Point | None: ...

    @property
    def axis(self) -> Point | None: ...

    @property
    def tip(self) -> Point | None: ...


@dataclass(frozen=True, eq=False)
class LastPlace:
    """Where an instrument was last that nobody is told of any more; an :class:`ExpectedPose`."""

    guide_tip: Point
    needle_tip: Point
    axis: Point

    @property
    def tip(self) -> Point:
        return self.needle_tip
