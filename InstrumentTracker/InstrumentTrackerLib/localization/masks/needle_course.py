"""The needle beyond the guide in its probabilities: a slightly bent course, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, StraightView
from InstrumentTrackerLib.localization.instrument_shape import BEND_REFERENCE_MM, CAP_REACH_MM
from InstrumentTrackerLib.localization.masks.end_profile import EndFit, fit_end, plateau

# Needles reach up to 40 mm beyond the guide tip.
MAX_REACH_MM = 55.0
# What is known beforehand of the course beyond the guide tip: offset (mm), slope, and bend at 30 mm (mm).
PRIOR_STD = np.array([0.6, 0.03, 1.5])
# One row's middle is worth this much; off the course by more, it counts less and less.
ROW_STD_MM, OFF_COURSE_MM = 0.35, 1.0
CORRELATION_MM = 3.0
ROUNDS = 4
# Half of the width over which the void is measured, and the sideways reach in which its course is searched.
CORE_MM = 1.0
NEAR_MM, NEAR_SLOPE = 2.5, 0.12
# Below these the needle counts as not seen: probability, mm.
MIN_PLATEAU, MIN_SUPPORT_MM = 0.2, 1.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NeedleCourse:
    """The needle in coordinates of the guide's line.

    Attributes
    ----------
    end
        Where it ends, mm along the line.
    across, across_std_mm
        Sideways offset of its end, mm.
    mean
        Mean probability from the cap to the end.
    support_mm
        Probability above one half of its plateau, summed from the cap on.
    """

    end: EndFit
    across: float
    across_std_mm: float
    mean: float
    support_mm: float


def find_needle(view: StraightView, guide_tip: float) -> NeedleCourse | None:
    """Follow the needle from the cap to its end; None where none is seen.

    The course is a parabola with a prior: as straight as the rows allow (maximum a posteriori).

    Parameters
    ----------
    view
        Probability of the needle about the guide's axis, the slices that see it.
    guide_tip
        mm on the line.
    """
    chosen = (view.along >= guide_tip + CAP_REACH_MM - 2) & (view.along <= guide_tip + MAX_REACH_MM) & view.inside
    along = view.along[chosen]
    if along.size < 8:
        return None
    values = view.data[:, chosen].max(axis=0).astype(np.float64)
    beyond = along - guide_tip
    design = np.stack([np.ones_like(beyond), beyond, (beyond / BEND_REFERENCE_MM) ** 2], axis=1)
    course, covariance = np.zeros(3), np.diag(PRIOR_STD**2)
    for _ in range(ROUNDS):
        apart = view.across[None, :] - (design @ course)[:, None]
        reach = np.minimum(NEAR_MM, 1.0 + NEAR_SLOPE * np.maximum(beyond, 0))[:, None]
        weight = values / (1 + (apart / OFF_COURSE_MM) ** 2) * (np.abs(apart) <= reach)
        mass = weight.sum(axis=1)
        middles = (weight @ view.across) / np.maximum(mass, 1e-9)
        seen = np.minimum(values.max(axis=1), 1.0) * (mass > 1e-3)
        # Rows behind the end hold no needle.
        seen = seen * (np.arange(seen.size) <= _prefix(seen)[0])
        precision = seen / ROW_STD_MM**2 * ALONG_STEP_MM / CORRELATION_MM
        covariance = np.linalg.inv(np.diag(1 / PRIOR_STD**2) + design.T @ (design * precision[:, None]))
        course = covariance @ design.T @ (precision * middles)
    profile = _along_course(values, view.across, design @ course)
    last, support = _prefix(profile)
    if plateau(profile) < MIN_PLATEAU or support < MIN_SUPPORT_MM:
        return None
    end = fit_end(along, profile, float(along[last] + ALONG_STEP_MM / 2))
    if end is None:
        return None
    extension = end.position - guide_tip
    at_end = np.array([1.0, extension, (extension / BEND_REFERENCE_MM) ** 2])
    return NeedleCourse(
        end=end,
        across=float(at_end @ course),
        across_std_mm=float(np.sqrt(at_end @ covariance @ at_end)),
        mean=float(profile[: last + 1].mean()),
        support_mm=support,
    )


def _prefix(profile: Array) -> tuple[int, float]:
    """Where the needle that begins at the cap ends, and its support in mm."""
    total = np.cumsum(profile - plateau(profile) / 2)
    last = int(np.argmax(total))
    return last, float(total[last]) * ALONG_STEP_MM


def _along_course(values: Array, across: Array, course: Array) -> Array:
    """Mean over the void's core, row by row; (along,)."""
    step = across[1] - across[0]
    offsets = np.arange(-CORE_MM, CORE_MM + step / 2, step)
    index = (course[:, None] + offsets - across[0]) / step
    base = np.clip(np.floor(index).astype(int), 0, across.size - 2)
    rows = np.arange(values.shape[0])[:, None]
    share = index - base
    return np.asarray((values[rows, base] * (1 - share) + values[rows, base + 1] * share).mean(axis=1))
