"""How states and verdicts look on the guidance display.

No meaning is carried by color alone: every marker has its own shape, every state its own badge and word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from InstrumentTrackerLib.palette import BLUISH_GREEN, GREY, VERMILLION, WHITE, YELLOW, Color
from InstrumentTrackerLib.targeting.assessment import CoreVerdict


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
    NO_GUIDANCE = "NO GUIDANCE"

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
    DisplayStatus.NO_GUIDANCE: StatusStyle(GREY, Badge.SQUARE, warns=False),
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
