"""Where the tip was: a line through the last measured tips that ends at the present one."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.scene.mrml_nodes import SceneNodes

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.palette import TRAIL_COLOR
from InstrumentTrackerLib.scene.mrml_surface import Surface, SurfaceSpec
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

TRAIL = SurfaceSpec("TipTrail", "Tip trail", TRAIL_COLOR, opacity=0.9, line_px=2, is_projected=True)
# A ribbon, this wide at the present tip: it runs out to nothing where it is oldest.
WIDTH_MM = 1.6
# Nearer than this, two tips are one.
LEAST_STEP_MM = 0.2


class TipTrail:
    """Keeps the last tips, up to a number and an age; forgets them when the instrument is lost.

    Attributes
    ----------
    max_frames, max_seconds
        How far back it reaches: whichever is shorter.
    """

    def __init__(self, nodes: SceneNodes) -> None:
        self.surface = Surface(nodes, TRAIL)
        self.max_frames = 50
        self.max_seconds = 10.0
        self._tips: deque[tuple[float, bool, Point]] = deque()

    @property
    def tips(self) -> NDArray[np.float64]:
        """The tips (n, 3) in RAS mm, oldest first."""
        return np.array([point for _, _, point in self._tips]).reshape(-1, 3)

    def add(self, tracked: TrackedPose | None) -> None:
        """Take a pose: a measured tip lengthens the trail, one without numbers ends it.

        A trail is of one thing: it begins anew where the needle appears beyond the guide, or goes.
        """
        if tracked is None or tracked.tip is None:
            self._tips.clear()
        elif tracked.state is TrackingState.TRACKED:
            is_needle = tracked.needle_tip is not None
            if self._tips and (self._tips[-1][1] != is_needle or tracked.time_s < self._tips[-1][0]):
                self._tips.clear()
            if not self._tips or tracked.time_s > self._tips[-1][0]:
                self._tips.append((tracked.time_s, is_needle, tracked.tip))
        while self._tips and (
            len(self._tips) > self.max_frames or self._tips[0][0] < self._tips[-1][0] - self.max_seconds
        ):
            self._tips.popleft()
        self._draw()

    def _draw(self) -> None:
        points = _thinned(self.tips)
        if len(points) < 2:
            self.surface.show(points, np.zeros((0, 4), np.int64))
            return
        n = len(points)
        tangents = np.gradient(points, axis=0)
        across = np.cross(tangents, np.eye(3)[int(np.argmin(np.abs(tangents).sum(axis=0)))])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        other = np.cross(tangents, across)
        other /= np.maximum(np.linalg.norm(other, axis=1, keepdims=True), 1e-9)
        half = 0.5 * WIDTH_MM * np.linspace(0.05, 1.0, n)[:, None]
        # Two ribbons at right angles, so that it is seen from every side.
        ribbons = [points, points + half * across, points - half * across, points + half * other, points - half * other]
        steps = np.arange(n - 1)
        cells = [
            np.stack([a * n + steps, b * n + steps, b * n + steps + 1, a * n + steps + 1], axis=1)
            for a, b in ((1, 2), (3, 4))
        ]
        self.surface.show(np.concatenate(ribbons), np.concatenate(cells), n_lines=n)


def _thinned(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the tips that lie where the one before lies: a line needs a direction everywhere."""
    kept: list[Point] = []
    for point in points:
        if not kept or np.linalg.norm(point - kept[-1]) >= LEAST_STEP_MM:
            kept.append(point)
    return np.array(kept).reshape(-1, 3)
