"""The published rule for the guide tip: the major axis of the mask, and its end that is nearer to the image's center.

Source: Noordman et al., 2025: principal component analysis of the segmented guide; the tip is the point of the mask's
edge on the major axis that lies nearest to the center of the image. A non-empty mask counts as success. The rule knows
no needle, no depth within a slice and no doubt. It is the baseline of comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.geometry import directions_of

from InstrumentTrackerLib.localization.instrument_pose import InstrumentPose
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane, Line
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, InstrumentMask

_STEP_MM = 0.1
# Fewer pixels have no major axis.
_MIN_PIXELS = 3


@dataclass(frozen=True)
class PaperRule:
    """Guide tip of a mask in its fullest slice; see the module.

    Attributes
    ----------
    beyond_mm
        How far the mask reaches beyond the annotated tip. The paper's masks end at the tip; ours end at the outer
        end of the dark cap, so that without it the rule would be 5 mm off by convention alone.
    """

    beyond_mm: float = CAP_REACH_MM

    def localize(self, image: ImageFrame, mask: InstrumentMask | None = None) -> InstrumentPose:
        """As :class:`~InstrumentTrackerLib.localization.localizer.Localizer`; only the mask is looked at."""
        empty = InstrumentPose(index=image.index, time_s=image.mid_acquisition_time)
        if mask is None:
            return empty
        guide = mask.labels == GUIDE_LABEL
        fullest = int(guide.sum(axis=(1, 2)).argmax())
        plane = ImagePlane.of(image)
        ends = _ends_of_major_axis(guide[fullest], plane)
        if ends is None:
            return empty
        outer, tip_end = ends
        direction = (tip_end - outer) / np.linalg.norm(tip_end - outer)
        axis = directions_of(plane.ijk_to_ras) @ np.array([*direction, 0.0])
        return InstrumentPose(
            guide_tip=plane.to_ras(tip_end - self.beyond_mm * direction, fullest),
            axis=axis / np.linalg.norm(axis),
            confidence=1.0,
            index=image.index,
            time_s=image.mid_acquisition_time,
        )


def _ends_of_major_axis(
    guide: NDArray[np.bool_], plane: ImagePlane
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Where the major axis leaves the mask (row, col): (x, y) mm of the end far from the image's center, and near."""
    rows, columns = np.nonzero(guide)
    if rows.size < _MIN_PIXELS:
        return None
    points = (np.stack([columns, rows], axis=-1) - plane.center) * plane.spacing[:2]
    variances, axes = np.linalg.eigh(np.cov(points.T))
    if variances[1] <= 0:
        return None
    line = Line.through(points.mean(axis=0), axes[:, 1])
    reach = float(np.linalg.norm(plane.half_size))
    along = np.arange(-reach, reach, _STEP_MM)
    on_axis = line.point(along)
    i, j = plane.to_indices(on_axis).T
    inside = np.flatnonzero(ndimage.map_coordinates(guide.astype(np.float64), [j, i], order=1) >= 0.5)
    if inside.size < 2:
        return None
    first, last = on_axis[inside[0]], on_axis[inside[-1]]
    return (last, first) if np.linalg.norm(first) < np.linalg.norm(last) else (first, last)
