"""What of the guidance display is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DisplayOptions:
    """Switches of the parts; numbers are shown whatever is drawn.

    Attributes
    ----------
    guide, needle
        Rod in 3D and outline in the slices.
    tips
        Markers of guide tip and needle tip.
    axis
        Line through the instrument.
    path
        Dots ahead of the tip, one every 5 mm, and the line from tip to target.
    uncertainty
        Where the tip may be: two standard deviations to each side.
    lesion
        Ball of the lesion's radius about the target.
    trail
        Where the tip was.
    trail_frames, trail_seconds
        How far back the trail reaches: whichever is shorter.
    """

    guide: bool = True
    needle: bool = True
    tips: bool = True
    axis: bool = True
    path: bool = True
    uncertainty: bool = True
    lesion: bool = True
    trail: bool = False
    trail_frames: int = 50
    trail_seconds: float = 10.0
