"""What the guidance display says in words and numbers.

One rule decides everything here: a number is shown only while it is true. Without a current measurement there is
no distance, no angle and no marker, only the word that says why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from TemporalReconLib.acquisition.image_frame import ImageFrame

from InstrumentTrackerLib.notice import NOTICE
from InstrumentTrackerLib.scene.mrml_style import (
    STATUS_STYLES,
    VERDICT_STYLES,
    DisplayStatus,
    StatusStyle,
    VerdictStyle,
)
from InstrumentTrackerLib.targeting.assessment import Assessment, CoreVerdict
from InstrumentTrackerLib.targeting.direction_words import direction_words
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

NO_TARGET = "not set"

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
    DisplayStatus.NO_GUIDANCE: "press Start",
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
    verdict, verdict_text, verdict_note
        Whether a core would sample the target, in large and in small letters; None and empty without numbers.
    headline, headline_label
        Distance with unit, or empty without numbers; which tip it is measured from.
    figures
        (label, value) pairs to be read from afar, beside the headline.
    direction
        To which side of the needle's line the target lies, or empty.
    rows
        (label, value) pairs of all numbers beside the headline.
    event
        FIRED or FIRING, or empty.
    age
        Age of the picture with unit, empty without a picture.
    warning
        One more thing that must not be overlooked, or empty.
    notes
        What the numbers rest on, where that is not all that one would think.
    """

    status: DisplayStatus
    explanation: str
    verdict: CoreVerdict | None = None
    verdict_text: str = ""
    verdict_note: str = ""
    headline: str = ""
    headline_label: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    direction: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    event: str = ""
    age: str = ""
    warning: str = ""
    notes: tuple[str, ...] = ()

    @property
    def style(self) -> StatusStyle:
        return STATUS_STYLES[self.status]

    @property
    def verdict_style(self) -> VerdictStyle | None:
        return None if self.verdict is None else VERDICT_STYLES[self.verdict]

    def text(self) -> str:
        """All of it as plain lines, as kept in the scene's text node."""
        lines = [f"{self.status.value} ({self.explanation})"]
        if self.event:
            lines.append(self.event)
        if self.verdict_text:
            lines.append(f"{self.verdict_text} ({self.verdict_note})")
        if self.headline:
            lines.append(f"{self.headline_label}: {self.headline}")
        lines += [f"{label}: {value}" for label, value in self.rows]
        if self.direction:
            lines.append(self.direction)
        if self.age:
            lines.append(f"Picture age: {self.age}")
        if self.warning:
            lines.append(self.warning)
        return "\n".join([*lines, *self.notes, NOTICE])


# Of the view that is kept for the readout, while no session is active.
NO_GUIDANCE = Readout(DisplayStatus.NO_GUIDANCE, _EXPLANATIONS[DisplayStatus.NO_GUIDANCE])


def status_of(tracked: TrackedPose | None, age_s: float | None, stale_after_s: float) -> DisplayStatus:
    """The status to show; an old or undated picture outranks whatever was found in it."""
    if tracked is None or age_s is None:
        return DisplayStatus.NO_PICTURE
    if not age_s <= stale_after_s:  # NaN is not young either
        return DisplayStatus.STALE
    return _STATUS_OF_STATE[tracked.state]


def as_shown(tracked: TrackedPose, image: ImageFrame) -> TrackedPose:
    """What was measured in a picture that its own method doubts is shown as an estimate, with ~ and hollow marks."""
    is_doubtful = image.is_unreliable and tracked.state is TrackingState.TRACKED
    return replace(tracked, state=TrackingState.PREDICTED) if is_doubtful else tracked


def readout_of(
    tracked: TrackedPose | None,
    assessment: Assessment | None,
    age_s: float | None,
    stale_after_s: float,
    target_problem: str = "",
    image: ImageFrame | None = None,
) -> Readout:
    """Compose the words of one moment.

    Parameters
    ----------
    tracked, assessment
        Pose of the newest picture, and what it means for the target; the latter is ignored without a trusted pose.
    age_s
        Seconds since the middle of the acquisition, None without a picture.
    stale_after_s
        Age beyond which nothing found in the picture is shown.
    target_problem
        Why there is no target, such as ``NO_TARGET``; empty where there is one.
    image
        The newest picture, for its quality and geometry flag.
    """
    status = status_of(tracked, age_s, stale_after_s)
    age = "" if age_s is None else f"{age_s:.2f} s" if age_s < 10 else f"{age_s:.0f} s"
    warning = _warning_of(image)
    explanation = _EXPLANATIONS[status]
    if status is DisplayStatus.PREDICTED and image is not None and image.is_unreliable:
        explanation = "from an unreliable picture"
    if not status.has_numbers or tracked is None:
        return Readout(status, explanation, age=age, warning=warning)

    tip_name = "Needle tip" if tracked.needle_tip is not None else "Guide tip"
    event = "FIRING" if tracked.motion is Motion.FIRING else "FIRED" if tracked.has_fired else ""
    notes: list[str] = []
    if tracked.artifact_correction_mm is not None:
        notes.append(f"Artifact correction {tracked.artifact_correction_mm:.1f} mm: the tip is an estimate")
    more = [("Confidence", f"{100 * tracked.confidence:.0f} %")]
    if image is not None and image.quality is not None:
        more.append(("Picture quality", f"{100 * image.quality:.0f} %"))
    if assessment is None or target_problem:
        rows = [("Target", target_problem)] if target_problem else []
        if target_problem and not warning:
            warning = f"TARGET {target_problem.upper()}: no distances"
        label = f"{tip_name} found"
        return Readout(
            status,
            explanation,
            headline_label=label,
            rows=(*rows, *more),
            event=event,
            age=age,
            warning=warning,
            notes=tuple(notes),
        )

    about = "~" if status is DisplayStatus.PREDICTED else ""
    figures = _figures(assessment, about)
    if assessment.is_partly_unknown:
        notes.insert(0, f"{_unknown_thing(assessment).capitalize()} NOT KNOWN: distances are at least these")
    words = direction_words(assessment.sideways_mm)
    return Readout(
        status,
        explanation,
        verdict=assessment.verdict,
        verdict_text=_verdict_text(assessment),
        verdict_note=_verdict_note(assessment, about),
        headline=f"{_at_least(assessment)}{about}{assessment.distance_mm:.1f} mm",
        headline_label=f"{tip_name} to target",
        figures=figures,
        direction=f"Target lies {about}{words}" if words else "Target lies on the needle's line",
        rows=(*figures, *more),
        event=event,
        age=age,
        warning=warning,
        notes=tuple(notes),
    )


def _figures(assessment: Assessment, about: str) -> tuple[tuple[str, str], ...]:
    """Sideways miss, what to do by hand before the shot, angle and depth."""
    depth, advance = assessment.error.depth_mm, assessment.forecast.advance_mm
    figures = [("Sideways miss", f"{_at_least(assessment)}{about}{assessment.lateral_mm:.1f} mm")]
    if not assessment.has_fired and not assessment.depth_is_unknown:
        caption = "Advance to center" if advance >= 0 else "Pull back to center"
        figures.append((caption, f"{about}{abs(advance):.1f} mm"))
    # Without a planned path it is taken to the line from tip to target, which means nothing once the tip is there.
    if assessment.target.entry is not None or not assessment.has_fired:
        figures.append(("Angle", f"{about}{assessment.error.angle_deg:.1f}\N{DEGREE SIGN}"))
    if not assessment.depth_is_unknown:
        figures.append(("Depth remaining" if depth >= 0 else "Past the target by", f"{about}{abs(depth):.1f} mm"))
    return tuple(figures)


def _at_least(assessment: Assessment) -> str:
    """What lies in an unknown direction comes on top."""
    return ">" if assessment.is_partly_unknown else ""


def _unknown_thing(assessment: Assessment) -> str:
    if not assessment.is_partly_unknown:
        return "direction of the needle"
    return "depth of the tip" if assessment.depth_is_unknown else "through-plane position"


def _verdict_text(assessment: Assessment) -> str:
    verb = "" if assessment.has_fired else "WOULD "
    return {
        CoreVerdict.HIT: f"CORE {verb}HIT",
        CoreVerdict.EDGE: f"CORE {verb}HIT THE EDGE",
        CoreVerdict.MISS: f"CORE {'MISSED' if assessment.has_fired else 'WOULD MISS'}",
        CoreVerdict.UNSURE: "CORE MAY HAVE HIT" if assessment.has_fired else "CORE MAY HIT",
    }[assessment.verdict]


def _verdict_note(assessment: Assessment, about: str) -> str:
    """How probable, and by how much."""
    probability = assessment.forecast.probability
    if assessment.verdict is CoreVerdict.UNSURE:
        return f"{_unknown_thing(assessment)} not known"
    chance = "hit probability not known"
    if probability is not None:
        chance = f"hit probability {about}{100 * probability:.0f} %"
    if assessment.verdict is CoreVerdict.MISS:
        return f"{chance}, {about}{assessment.miss_mm - assessment.target.radius_mm:.1f} mm beside the lesion"
    kept = "kept" if assessment.verdict is CoreVerdict.HIT else "NOT kept"
    return f"{chance}, margin {assessment.margin_mm:.1f} mm {kept}"


def _warning_of(image: ImageFrame | None) -> str:
    """What makes a picture doubtful, the gravest first; empty where nothing does."""
    if image is None:
        return ""
    if not image.has_geometry:
        return "NO GEOMETRY: positions are not in patient space"
    if image.is_unreliable and image.quality is not None:
        return f"UNRELIABLE PICTURE: quality {100 * image.quality:.0f} %"
    return ""
