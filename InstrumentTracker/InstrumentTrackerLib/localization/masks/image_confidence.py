"""How likely is it that the measured tips are within 3 mm? A logistic model over a handful of bounded evidence.

Each piece of evidence lies between 0 and 1 and can only raise the odds, so that no single one decides and none can
be turned against what it means (Platt, Advances in Large Margin Classifiers, 1999).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from InstrumentTrackerLib.localization.appearance.confidence import LEVEL_FLOOR
from InstrumentTrackerLib.localization.appearance.needle_tip import NeedleTip
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.masks.guide_measurement import GuideMeasurement
from InstrumentTrackerLib.localization.masks.needle_course import NeedleCourse
from InstrumentTrackerLib.localization.masks.shaft import USUAL_WIDTH_MM

# A picture whose method gives no estimate counts as an ordinary one.
USUAL_QUALITY = 0.9


@dataclass(frozen=True)
class GuideEvidence:
    """0..1 each.

    Attributes
    ----------
    shaft
        Mean probability along the guide before its end.
    length, width, straightness
        How far the bar's shape is that of a guide.
    sharpness
        Of the end of the probability.
    alone
        No second bar is as good.
    walls, gel, cap, dark_cap
        What the picture shows: walls and lines along the bar, the lines' end, tissue beyond the cap, a dark cap.
    tips_agree, axes_agree
        Mask and picture place tip and axis alike.
    quality
        Of the reconstruction.
    """

    shaft: float
    length: float
    width: float
    straightness: float
    sharpness: float
    alone: float
    walls: float
    gel: float
    cap: float
    dark_cap: float
    tips_agree: float
    axes_agree: float
    quality: float

    @classmethod
    def of(cls, measurement: GuideMeasurement, quality: float | None) -> GuideEvidence:
        """From what was measured in mask and picture."""
        shaft, second, end, tip = measurement.shaft, measurement.second, measurement.end, measurement.image_tip
        return cls(
            shaft=_share(measurement.mean, 0.2, 1.0),
            length=_share(shaft.high - shaft.low, 20.0, 80.0),
            width=float(np.exp(-0.5 * ((shaft.width_mm - USUAL_WIDTH_MM) / 2.5) ** 2)),
            straightness=float(np.exp(-shaft.wobble_mm)),
            sharpness=end.height * float(np.exp(-0.5 * end.width_mm)),
            alone=1.0 if second is None else 1.0 - min(1.0, second.score / max(shaft.score, 1e-6)),
            walls=_share(measurement.fit.score, 0.0, 1.2),
            gel=_share(tip.gel_step, -0.3, 1.5),
            cap=_share(tip.cap_step, -0.5, 1.5),
            dark_cap=_share(-float(np.log(tip.cap_level + LEVEL_FLOOR)), 0.5, 3.0),
            tips_agree=float(np.exp(-abs(measurement.tips_apart_mm) / 2)),
            axes_agree=float(np.exp(-abs(measurement.axes_apart_mm))),
            quality=USUAL_QUALITY if quality is None else quality,
        )


@dataclass(frozen=True)
class NeedleEvidence:
    """0..1 each.

    Attributes
    ----------
    course
        Mean probability from the cap to the end.
    length
        Visible length.
    sharpness
        Of the end of the probability.
    void
        What the picture shows of a dark line there.
    ends_agree
        Mask and picture place its end alike.
    quality
        Of the reconstruction.
    """

    course: float
    length: float
    sharpness: float
    void: float
    ends_agree: float
    quality: float

    @classmethod
    def of(
        cls, course: NeedleCourse, image_tip: NeedleTip | None, guide_tip: float, quality: float | None
    ) -> NeedleEvidence:
        """From what was measured in mask and picture; positions in mm on the guide's line."""
        end = course.end
        return cls(
            course=_share(course.mean, 0.1, 0.9),
            length=_share(end.position - guide_tip, CAP_REACH_MM, 30.0),
            sharpness=end.height * float(np.exp(-0.5 * end.width_mm)),
            void=0.0 if image_tip is None else _share(image_tip.evidence, 0.0, 20.0),
            ends_agree=0.0 if image_tip is None else float(np.exp(-abs(image_tip.along - end.position) / 2)),
            quality=USUAL_QUALITY if quality is None else quality,
        )


GUIDE_EVIDENCE = tuple(field.name for field in fields(GuideEvidence))
NEEDLE_EVIDENCE = tuple(field.name for field in fields(NeedleEvidence))


@dataclass(frozen=True)
class Logistic:
    """Probability from evidence.

    Attributes
    ----------
    bias
        Log odds without any evidence.
    weights
        Log odds of each piece of evidence, by its name.
    """

    bias: float
    weights: dict[str, float]

    def probability(self, evidence: GuideEvidence | NeedleEvidence) -> float:
        total = self.bias + sum(weight * getattr(evidence, name) for name, weight in self.weights.items())
        return float(1.0 / (1.0 + np.exp(-np.clip(total, -30.0, 30.0))))


def _share(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
