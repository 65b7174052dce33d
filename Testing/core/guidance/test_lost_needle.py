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


def test_a_needle_that_is_lost_is_found_again_where_it_was_by_the_samples_alone() -> None:
    """Pictures of few lines may show a needle for seconds as if it were not there."""
    series = simulate_series(SimulationConfig(frames=20, n_slices=3, seed=3))
    number = 19
    frame, truth = series.frame(number), series.truth.frames[number]
    pipeline = TrackingPipeline()
    pipeline.set_planning(series.planning)
    index = 0

    def push(picture: NDArray[np.float32], has_samples: bool) -> TrackedPose:
        nonlocal index
        start, index = index * INTERVAL_S, index + 1
        if has_samples:
            pipeline.ingest(replace(frame, index=index, acquisition_start_time=start, acquisition_end_time=start + 0.2))
        image = ImageFrame(picture, series.ijk_to_ras, index, start, start + 0.2, acceleration=frame.acceleration)
        return pipeline.push(image).tracked

    shown, hidden = series.image(number), without_needle(series, number)
    for _ in range(4):
        assert push(shown, has_samples=True).state is TrackingState.TRACKED
    states = [push(hidden, has_samples=False).state for _ in range(5)]
    assert states[-1] is TrackingState.LOST
    found = push(hidden, has_samples=True)
    assert found.state is TrackingState.TRACKED and found.needle_tip is not None
    assert np.linalg.norm(found.needle_tip - truth.needle_tip) < 2.0
