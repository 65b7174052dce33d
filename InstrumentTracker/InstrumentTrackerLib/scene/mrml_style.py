"""Colors, shapes and sizes of the guidance display.

Colors are from the palette of Okabe and Ito (2008), which people with any common color vision deficiency can
tell apart; no meaning is carried by color alone: every marker has its own shape, every state its own badge and word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from InstrumentTrackerLib.targeting.assessment import CoreVerdict

Color = tuple[float, float, float]

SKY_BLUE: Color = (0.337, 0.706, 0.914)
ORANGE: Color = (0.902, 0.624, 0.0)
YELLOW: Color = (0.941, 0.894, 0.259)
BLUISH_GREEN: Color = (0.0, 0.780, 0.560)  # a little lighter than the original, for a black background
VERMILLION: Color = (0.961, 0.420, 0.090)  # likewise
PURPLE: Color = (0.867, 0.533, 0.706)
WHITE: Color = (1.0, 1.0, 1.0)
GREY: Color = (0.65, 0.65, 0.65)
BLACK: Color = (0.0, 0.0, 0.0)

GUIDE_COLOR = SKY_BLUE
NEEDLE_COLOR = ORANGE
PROJECTION_COLOR = YELLOW
TARGET_COLOR = PURPLE
PLAN_COLOR = BLUISH_GREEN
TO_TARGET_COLOR = WHITE
UNCERTAINTY_COLOR = NEEDLE_COLOR
TRAIL_COLOR: Color = (1.0, 0.85, 0.55)  # of the needle, paler: where it was


class Badge(str, Enum):
    """Shape drawn beside the word of a state."""

    DISK = "disk"
    RING = "ring"
    CROSS = "cross"
    SQUARE = "square"
    TRIANGLE = "triangle"
    CHECK = "check"
    DIAMOND = "diamond"
    QUESTION = "question"


class DisplayStatus(str, Enum):
    """What the viewer is told first: the tracking states, and what is wrong with the picture itself."""

    TRACKED = "TRACKED"
    PREDICTED = "PREDICTED"
    LOST = "LOST"
    NOT_VISIBLE = "NOT VISIBLE"
    STALE = "STALE"
    NO_PICTURE = "NO PICTURE"

    @property
    def has_numbers(self) -> bool:
        return self in (DisplayStatus.TRACKED, DisplayStatus.PREDICTED)


@dataclass(frozen=True)
class StatusStyle:
    """How a status looks: color, badge, and whether views get a warning frame."""

    color: Color
    badge: Badge
    warns: bool


STATUS_STYLES = {
    DisplayStatus.TRACKED: StatusStyle(BLUISH_GREEN, Badge.DISK, warns=False),
    DisplayStatus.PREDICTED: StatusStyle(YELLOW, Badge.RING, warns=False),
    DisplayStatus.LOST: StatusStyle(VERMILLION, Badge.CROSS, warns=True),
    DisplayStatus.NOT_VISIBLE: StatusStyle(GREY, Badge.SQUARE, warns=False),
    DisplayStatus.STALE: StatusStyle(VERMILLION, Badge.TRIANGLE, warns=True),
    DisplayStatus.NO_PICTURE: StatusStyle(GREY, Badge.SQUARE, warns=False),
}


@dataclass(frozen=True)
class VerdictStyle:
    """How a verdict on the core looks."""

    color: Color
    badge: Badge


VERDICT_STYLES = {
    CoreVerdict.HIT: VerdictStyle(BLUISH_GREEN, Badge.CHECK),
    CoreVerdict.EDGE: VerdictStyle(YELLOW, Badge.DIAMOND),
    CoreVerdict.MISS: VerdictStyle(VERMILLION, Badge.CROSS),
    CoreVerdict.UNSURE: VerdictStyle(WHITE, Badge.QUESTION),
}
