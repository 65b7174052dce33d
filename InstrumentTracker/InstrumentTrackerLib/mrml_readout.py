"""What the guidance display says in words and numbers.

One rule decides everything here: a number is shown only while it is true. Without a current measurement there is
no distance, no angle and no marker, only the word that says why.
"""

from __future__ import annotations

from dataclasses import dataclass

from TemporalReconLib.acquisition.image_frame import ImageFrame

from InstrumentTrackerLib.mrml_style import STATUS_STYLES, DisplayStatus, StatusStyle
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

NOTICE = "RESEARCH ONLY - not a medical device"

_STATUS_OF_STATE = {
    TrackingState.TRACKED: DisplayStatus.TRACKED,
    TrackingState.PREDICTED: DisplayStatus.PREDICTED,
    TrackingState.LOST: DisplayStatus.LOST,
    TrackingState.ABSENT: DisplayStatus.NOT_VISIBLE,
}

_EXPLANATIONS = {
    DisplayStatus.TRACKED: "measured in this picture",
    DisplayStatus.PREDICTED: "not measured, estimated",
    DisplayStatus.LOST: "instrument no longer found",
    DisplayStatus.NOT_VISIBLE: "no instrument in the picture",
    DisplayStatus.STALE: "picture too old to steer by",
    DisplayStatus.NO_PICTURE: "waiting for the first picture",
}


@dataclass(frozen=True)
class Readout:
    """The words of one moment.

    Attributes
    ----------
    status
        What the viewer is told first.
    explanation
        The status in a few words.
    headline
        Distance with unit, or empty without numbers.
    headline_label
        Which tip the distance is measured from.
    rows
        (label, value) pairs of the other numbers.
    age
        Age of the picture with unit, empty without a picture.
    warning
        One more thing that must not be overlooked, or empty.
    """

    status: DisplayStatus
    explanation: str
    headline: str = ""
    headline_label: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    age: str = ""
    warning: str = ""

    @property
    def style(self) -> StatusStyle:
        return STATUS_STYLES[self.status]

    def text(self) -> str:
        """All of it as plain lines, as kept in the scene's text node."""
        lines = [f"{self.status.value} ({self.explanation})"]
        if self.headline:
            lines.append(f"{self.headline_label}: {self.headline}")
        lines += [f"{label}: {value}" for label, value in self.rows]
        if self.age:
            lines.append(f"Picture age: {self.age}")
        if self.warning:
            lines.append(self.warning)
        return "\n".join([*lines, NOTICE])


def status_of(tracked: TrackedPose | None, age_s: float | None, stale_after_s: float) -> DisplayStatus:
    """The status to show; an old or undated picture outranks whatever was found in it."""
    if tracked is None or age_s is None:
        return DisplayStatus.NO_PICTURE
    if not age_s <= stale_after_s:  # NaN is not young either
        return DisplayStatus.STALE
    return _STATUS_OF_STATE[tracked.state]


def readout_of(
    tracked: TrackedPose | None,
    error: TargetingError | None,
    age_s: float | None,
    stale_after_s: float,
    has_target: bool,
    image: ImageFrame | None = None,
) -> Readout:
    """Compose the words of one moment.

    Parameters
    ----------
    tracked, error
        Pose and targeting error of the newest picture; ``error`` is ignored without a trusted pose.
    age_s
        Seconds since the middle of the acquisition, None without a picture.
    stale_after_s
        Age beyond which nothing found in the picture is shown.
    has_target
        Whether a target is set.
    image
        The newest picture, for its quality and geometry flag.
    """
    status = status_of(tracked, age_s, stale_after_s)
    age = "" if age_s is None else f"{age_s:.2f} s" if age_s < 10 else f"{age_s:.0f} s"
    warning = _warning_of(image)
    if not status.has_numbers or tracked is None:
        return Readout(status, _EXPLANATIONS[status], age=age, warning=warning)

    tip_name = "Needle tip" if tracked.needle_tip is not None else "Guide tip"
    rows: list[tuple[str, str]] = []
    headline, label = "", f"{tip_name} to target"
    if error is not None:
        about = "~ " if status is DisplayStatus.PREDICTED else ""
        headline = f"{about}{error.distance_mm:.1f} mm"
        side = "still to advance" if error.depth_mm >= 0 else "past the target"
        rows = [
            ("Sideways miss", f"{about}{error.lateral_mm:.1f} mm"),
            ("Depth", f"{about}{abs(error.depth_mm):.1f} mm {side}"),
            ("Angle", f"{about}{error.angle_deg:.1f}\N{DEGREE SIGN}"),
        ]
    elif not has_target:
        label, rows = f"{tip_name} found", [("Target", "not set")]
    rows.append(("Confidence", f"{100 * tracked.confidence:.0f} %"))
    if image is not None and image.quality is not None:
        rows.append(("Picture quality", f"{100 * image.quality:.0f} %"))
    return Readout(status, _EXPLANATIONS[status], headline, label, tuple(rows), age, warning)


def _warning_of(image: ImageFrame | None) -> str:
    """What makes a picture doubtful, the gravest first; empty where nothing does."""
    if image is None:
        return ""
    if not image.has_geometry:
        return "NO GEOMETRY: positions are not in patient space"
    if image.is_unreliable and image.quality is not None:
        return f"UNRELIABLE PICTURE: quality {100 * image.quality:.0f} %"
    return ""
