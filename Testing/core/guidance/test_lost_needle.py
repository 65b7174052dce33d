"""A needle that pictures no longer show, and its samples still do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

INTERVAL_S = 0.25
# The needle, and what its void makes of the pixels beside it, from where the guide's cap no longer hides it.
BESIDE_MM, FROM_MM = 4.0, 6.0


def without_needle(series: SimulatedSeries, number: int) -> NDArray[np.float32]:
    """The true picture of a frame with the planning scan's tissue where the needle is."""
    truth = series.truth.frames[number]
    picture, planning = series.image(number), planning_of(series)
    axis = truth.needle_tip - truth.guide_tip
    axis = axis / np.linalg.norm(axis)
    row, column = np.mgrid[: picture.shape[1], : picture.shape[2]]
    for index in range(len(picture)):
        voxels = np.stack([column, row, np.full_like(row, index)], axis=-1)
        away = voxels @ series.ijk_to_ras[:3, :3].T + series.ijk_to_ras[:3, 3] - truth.guide_tip
        depth = away @ axis
        hidden = (np.linalg.norm(away - depth[..., None] * axis, axis=-1) < BESIDE_MM) & (depth > FROM_MM)
        picture[index][hidden] = planning[index][hidden]
    return picture


def planning_of(series: SimulatedSeries) -> NDArray[np.float32]:
    method = make_reconstructor("zero-filled", "cpu")
    method.ingest(series.planning)
    return method.reconstruct().data


class StillNeedle:
    """The same frame again and again, its needle in the picture or not, its samples given or not."""

    def __init__(self) -> None:
        series, number = simulate_series(SimulationConfig(frames=20, n_slices=3, seed=3)), 19
        self._frame, self._geometry, self._index = series.frame(number), series.ijk_to_ras, 0
        self.tip = series.truth.frames[number].needle_tip
        self.shown, self.hidden = series.image(number), without_needle(series, number)
        self._pipeline = TrackingPipeline()
        self._pipeline.set_planning(series.planning)

    def push(self, picture: NDArray[np.float32], has_samples: bool) -> TrackedPose:
        start, self._index = self._index * INTERVAL_S, self._index + 1
        times = {"acquisition_start_time": start, "acquisition_end_time": start + 0.2}
        if has_samples:
            self._pipeline.ingest(replace(self._frame, index=self._index, **times))
        acceleration = self._frame.acceleration
        image = ImageFrame(picture, self._geometry, self._index, start, start + 0.2, acceleration=acceleration)
        return self._pipeline.push(image).tracked


def test_a_needle_that_is_lost_is_found_again_where_it_was_by_the_samples_alone() -> None:
    """Pictures of few lines may show a needle for seconds as if it were not there."""
    case = StillNeedle()
    for _ in range(4):
        assert case.push(case.shown, has_samples=True).state is TrackingState.TRACKED
    states = [case.push(case.hidden, has_samples=False).state for _ in range(5)]
    assert states[-1] is TrackingState.LOST
    found = case.push(case.hidden, has_samples=True)
    assert found.state is TrackingState.TRACKED and found.needle_tip is not None
    assert np.linalg.norm(found.needle_tip - case.tip) < 2.0


def test_a_needle_that_one_picture_showed_is_confirmed_by_the_samples_alone() -> None:
    case = StillNeedle()
    for _ in range(4):
        assert case.push(case.hidden, has_samples=False).needle_tip is None
    first = case.push(case.shown, has_samples=True)
    assert first.state is TrackingState.TRACKED and first.needle_tip is None
    second = case.push(case.hidden, has_samples=True)
    assert second.needle_tip is not None
    assert np.linalg.norm(second.needle_tip - case.tip) < 2.0
