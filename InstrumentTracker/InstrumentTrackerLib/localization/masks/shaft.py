"""The guide as a straight bar in its probabilities: robust axis, stretch and width."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from InstrumentTrackerLib.localization.appearance.straight_view import ALONG_STEP_MM, STEP_MM, StraightView, straighten
from InstrumentTrackerLib.localization.masks.end_profile import longest_run
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line

# Pixels from this probability on are examined; what they add up to decides.
SEEN = 0.25
MIN_AREA_MM2 = 80.0
MAX_COMPONENTS = 6
# A guide's pixels lie within its radius of the axis; those farther off count less and less.
RADIUS_MM, REACH_MM = 6.0, 9.0
CORE_MM = 2.5
WIDEST_MM = 12.0
ROUNDS = 6
# Slices that hold less than this share of the best slice's probability see nothing of the bar.
MIN_SHARE, MAX_SLICES = 0.1, 5
# Straightness of what is seen: centroids of rows this far apart are independent.
CORRELATION_MM = 4.0
ROW_STD_MM = 0.15
USUAL_WIDTH_MM, WIDTH_SPREAD_MM = 10.5, 3.5
MIN_LENGTH_MM = 15.0
# Guides are up to 99 mm long; what is longer gains nothing by it.
MOST_SUPPORT_MM = 50.0
SAME_DEG, SAME_MM = 10.0, 8.0

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Shaft:
    """A straight bar.

    Attributes
    ----------
    line
        Its axis; which end is the tip is not decided here.
    low, high
        Stretch on the line, mm, where it is seen.
    support_mm
        Probability above one half of its plateau, summed over the stretch.
    width_mm
        Full width.
    wobble_mm
        Spread of its rows' middles about the axis.
    offset_std_mm, angle_std
        Standard deviation of the axis across (at the middle of the stretch) and of its angle (radians).
    """

    line: Line
    low: float
    high: float
    support_mm: float
    width_mm: float
    wobble_mm: float
    offset_std_mm: float
    angle_std: float

    @property
    def score(self) -> float:
        """Support, less where the width is not that of a guide."""
        unusual = (self.width_mm - USUAL_WIDTH_MM) / WIDTH_SPREAD_MM
        return float(self.support_mm * np.exp(-0.5 * unusual**2))

    @property
    def middle(self) -> float:
        return 0.5 * (self.low + self.high)

    def reversed(self) -> Shaft:
        """The same bar on the line in the other direction."""
        line = Line(self.line.angle + np.pi, -self.line.offset)
        return replace(self, line=line, low=-self.high, high=-self.low)


def find_shafts(guide: NDArray[np.float32], plane: ImagePlane) -> list[Shaft]:
    """Straight bars in different places, best first.

    Parameters
    ----------
    guide
        Probability (slice, row, col).
    """
    # Brightest and sum over the slices: one tells where the bar is seen, the other where its middle lies.
    both = np.stack([guide.max(axis=0), guide.sum(axis=0)])
    labels, count = ndimage.label(both[0] >= SEEN, structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:] * plane.spacing[0] * plane.spacing[1]
    shafts: list[Shaft] = []
    for component in np.argsort(-areas)[:MAX_COMPONENTS]:
        if areas[component] < MIN_AREA_MM2:
            break
        rows, columns = np.nonzero(labels == component + 1)
        xy = (np.stack([columns, rows], axis=1) - plane.center) * plane.spacing[:2]
        shaft = _measured(both, plane, _robust_line(xy, both[0, rows, columns].astype(np.float64)))
        if shaft is not None and not any(_is_same(shaft, other) for other in shafts):
            shafts.append(shaft)
    return sorted(shafts, key=lambda shaft: -shaft.score)


def slices_with_most(guide: NDArray[np.float32]) -> list[int]:
    """The slices with most of the guide's probability, at most five, in their order; ``guide`` (slice, row, col)."""
    return sorted(int(k) for k in np.argsort(-guide.sum(axis=(1, 2)))[:MAX_SLICES])


def slices_with(shaft: Shaft, guide: NDArray[np.float32], plane: ImagePlane) -> list[int]:
    """Which slices see the bar, at most five, in their order."""
    along = np.arange(shaft.low, shaft.high, 2.0)
    candidates = slices_with_most(guide)
    mass = straighten(guide, plane, shaft.line, along, candidates, CORE_MM).data.sum(axis=(1, 2))
    return [k for k, seen in zip(candidates, mass, strict=True) if seen >= MIN_SHARE * mass.max()]


def _robust_line(xy: Array, weights: Array) -> Line:
    """Total least squares with weights that fall off beyond the guide's radius (iteratively reweighted)."""
    weight = weights
    for _ in range(ROUNDS):
        center = weight @ xy / weight.sum()
        apart = xy - center
        direction = np.linalg.eigh(apart.T @ (apart * weight[:, None]))[1][:, 1]
        across = apart @ np.array([-direction[1], direction[0]])
        weight = weights / (1 + (across / RADIUS_MM) ** 2) ** 2
    return Line.through(center, direction)


def _measured(both: NDArray[np.float32], plane: ImagePlane, line: Line) -> Shaft | None:
    """Straight line through the middles of the bar's rows, wherever on the line it is seen."""
    for _ in range(2):
        view = straighten(both, plane, line, reach_mm=WIDEST_MM)
        first, last, support = longest_run(view.band(-CORE_MM, CORE_MM)[0])
        if support <= 0 or (last - first) * ALONG_STEP_MM < MIN_LENGTH_MM:
            return None
        along, middles, mass = _row_middles(view, first, last)
        if along.size * ALONG_STEP_MM < MIN_LENGTH_MM / 2:
            return None
        center, offset, slope, weight, residual = _line_through(along, middles, mass)
        line = Line.through(view.line.point(center, offset), view.line.direction + slope * view.line.normal)
        ends = [
            float(view.line.point(view.along[index] + shift) @ line.direction)
            for index, shift in ((first, -ALONG_STEP_MM / 2), (last, ALONG_STEP_MM / 2))
        ]
    independent = max(2.0, float(weight.sum()) * ALONG_STEP_MM / CORRELATION_MM)
    variance = max(float((weight * residual**2).sum() / weight.sum()), ROW_STD_MM**2)
    spread = float((weight * (along - center) ** 2).sum() / weight.sum())
    return Shaft(
        line=line,
        low=ends[0],
        high=ends[1],
        support_mm=min(support * ALONG_STEP_MM, MOST_SUPPORT_MM),
        width_mm=_width(view, first, last),
        wobble_mm=float(np.sqrt(variance)),
        offset_std_mm=float(np.sqrt(variance / independent)),
        angle_std=float(np.sqrt(variance / independent / max(spread, 1.0))),
    )


def _row_middles(view: StraightView, first: int, last: int) -> tuple[Array, Array, Array]:
    """Middle and mass of each row of the stretch that is seen whole; (position, middle, mass)."""
    near = np.abs(view.across) <= REACH_MM
    part = view.data[1, first : last + 1][:, near].astype(np.float64)
    mass = part.sum(axis=1)
    seen = (mass >= 0.3 * np.median(mass)) & (mass > 0)
    middles = part[seen] @ view.across[near] / mass[seen]
    return view.along[first : last + 1][seen], middles, mass[seen] / float(mass.max())


def _line_through(along: Array, middles: Array, mass: Array) -> tuple[float, float, float, Array, Array]:
    """Robust straight line: its center, offset and slope there, final weights and residuals."""
    weight = mass
    for _ in range(ROUNDS):
        center = float(weight @ along / weight.sum())
        offset = float(weight @ middles / weight.sum())
        spread = max(float(weight @ (along - center) ** 2), 1e-9)
        slope = float(weight @ ((along - center) * (middles - offset))) / spread
        residual = middles - offset - slope * (along - center)
        scale = max(1.5 * float(np.median(np.abs(residual))), 0.2)
        weight = mass / (1 + (residual / scale) ** 2)
    return center, offset, slope, weight, residual


def _width(view: StraightView, first: int, last: int) -> float:
    """Width of the bar with sharp edges that holds as much."""
    across = view.data[0, first : last + 1].mean(axis=0).astype(np.float64)
    core = across[np.abs(view.across) <= CORE_MM].mean()
    return float(across.sum() * STEP_MM / max(core, 1e-6))


def _is_same(first: Shaft, second: Shaft) -> bool:
    turn = np.abs((first.line.angle - second.line.angle + np.pi / 2) % np.pi - np.pi / 2)
    apart = second.line.normal @ (first.line.point(first.middle) - second.line.point(second.middle))
    return bool(np.degrees(turn) < SAME_DEG and abs(apart) < SAME_MM)
