"""Where the tip may be: an ellipsoid where its covariance is known, an open tube where one direction is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.scene.mrml_nodes import SceneNodes

from InstrumentTrackerLib.palette import TARGET_COLOR, UNCERTAINTY_COLOR
from InstrumentTrackerLib.scene.mrml_display_options import DisplayOptions
from InstrumentTrackerLib.scene.mrml_surface import Surface, SurfaceSpec
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.known_directions import KnownDirections
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

Points = NDArray[np.float64]
Cells = NDArray[np.int64]

UNCERTAINTY = SurfaceSpec("TipUncertainty", "Tip uncertainty", UNCERTAINTY_COLOR, opacity=0.3)
LESION = SurfaceSpec("Lesion", "Lesion", TARGET_COLOR, opacity=0.25)

# The surface lies this many standard deviations from the tip.
N_STD = 2.0
# Half the length of the tube: as long as nothing real, so that it looks like what it is.
UNKNOWN_HALF_LENGTH_MM = 40.0
_ROWS, _COLUMNS = 13, 24


class UncertaintyDisplay:
    """Keeps the tip's uncertainty and the lesion's ball."""

    def __init__(self, nodes: SceneNodes) -> None:
        self.tip = Surface(nodes, UNCERTAINTY)
        self.lesion = Surface(nodes, LESION)
        self._shown_lesion: tuple[float, ...] | None = None
        self._lesion_is_shown = False

    def use(self, options: DisplayOptions) -> None:
        """Show and hide both."""
        self.tip.set_visible(options.uncertainty)
        self.lesion.set_visible(options.lesion)
        self._lesion_is_shown = False

    def show_tip(self, tracked: TrackedPose | None) -> None:
        """Show the spread of a pose's tip; None, or a pose that states none, shows nothing."""
        if tracked is None or tracked.tip is None or tracked.tip_covariance is None:
            self.tip.show(np.zeros((0, 3)), _SPHERE_CELLS[:0])
            return
        points, cells = uncertainty_mesh(tracked.tip_covariance)
        self.tip.show(points + tracked.tip if len(points) else points, cells)

    def show_lesion(self, target: Target | None) -> None:
        """Show the ball a core must touch; None shows nothing."""
        key = None if target is None else (*(float(value) for value in target.position), target.radius_mm)
        if self._lesion_is_shown and key == self._shown_lesion and (key is None or self.lesion.node is not None):
            return
        self._shown_lesion, self._lesion_is_shown = key, True
        points = np.zeros((0, 3)) if target is None else target.position + target.radius_mm * _SPHERE
        self.lesion.show(points, _SPHERE_CELLS[: len(points) * 2])


def uncertainty_mesh(covariance: NDArray[np.float64]) -> tuple[Points, Cells]:
    """The surface ``N_STD`` standard deviations about the origin: points (n, 3) mm and quadrangles (m, 4).

    One unknown direction makes it an open tube along that direction; with two or three there is nothing to draw.
    """
    directions = KnownDirections.of(covariance)
    extents = N_STD * np.sqrt(directions.variances)
    if len(directions.known) == 3:
        return (_SPHERE * extents) @ directions.known, _SPHERE_CELLS
    if len(directions.known) == 2:
        scale = np.array([*extents, UNKNOWN_HALF_LENGTH_MM])
        return (_TUBE * scale) @ np.vstack([directions.known, directions.unknown]), _TUBE_CELLS
    return np.zeros((0, 3)), _SPHERE_CELLS[:0]


def _grid_cells(rows: int) -> Cells:
    first = np.arange(rows - 1)[:, None] * _COLUMNS + np.arange(_COLUMNS)
    beside = np.arange(rows - 1)[:, None] * _COLUMNS + (np.arange(_COLUMNS) + 1) % _COLUMNS
    return np.stack([first, beside, beside + _COLUMNS, first + _COLUMNS], axis=-1).reshape(-1, 4)


_TURNS = 2 * np.pi * np.arange(_COLUMNS) / _COLUMNS
_RIM = np.stack([np.cos(_TURNS), np.sin(_TURNS), np.zeros(_COLUMNS)], axis=1)
_POLAR = np.linspace(0.0, np.pi, _ROWS)
_SPHERE: Points = np.concatenate([np.sin(angle) * _RIM + np.array([0, 0, np.cos(angle)]) for angle in _POLAR])
_SPHERE_CELLS = _grid_cells(_ROWS)
# Dashes: the gaps show that nobody knows where it ends. The middle one holds the tip.
_DASHES = (-1.0, -0.75, -0.6, -0.35, -0.2, 0.2, 0.35, 0.6, 0.75, 1.0)
_TUBE: Points = np.concatenate([_RIM + np.array([0.0, 0.0, z]) for z in _DASHES])
_TUBE_CELLS = _grid_cells(len(_DASHES)).reshape(len(_DASHES) - 1, _COLUMNS, 4)[::2].reshape(-1, 4)
