"""A needle in a picture that its own method doubts is not reported."""

from __future__ import annotations

from dataclasses import replace

import pytest
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig


@pytest.fixture(scope="module")
def pictures() -> list[ImageFrame]:
    series = simulate_series(SimulationConfig(frames=20, n_slices=3, seed=3, planning=False, coils=1))
    return [
        ImageFrame(series.image(n), series.ijk_to_ras, n, series.start_time_s(n), series.start_time_s(n))
        for n in range(10, 20)
    ]


def test_good_pictures_are_tracked_whether_their_quality_is_known_or_not(pictures: list[ImageFrame]) -> None:
    for quality in (None, 0.9):
        pipeline = TrackingPipeline()
        states = [pipeline.push(replace(picture, quality=quality)).tracked.state for picture in pictures]
        assert states.count(TrackingState.TRACKED) >= 7


def test_unreliable_pictures_are_never_tracked_and_their_numbers_vanish(pictures: list[ImageFrame]) -> None:
    pipeline = TrackingPipeline()
    for picture in pictures[:5]:
        pipeline.push(replace(picture, quality=0.9))
    doubted = [pipeline.push(replace(picture, quality=0.2)) for picture in pictures[5:]]
    assert all(guidance.tracked.state is not TrackingState.TRACKED for guidance in doubted)
    assert not doubted[-1].tracked.state.has_numbers
    assert all(guidance.mask is None and not guidance.pose.is_present for guidance in doubted)


def test_no_needle_is_reported_beyond_the_acceleration_at_which_pictures_follow_it(pictures: list[ImageFrame]) -> None:
    """The guide still is."""
    seen = {}
    for acceleration in (16.0, 32.0):
        pipeline = TrackingPipeline()
        tracked = [pipeline.push(replace(picture, acceleration=acceleration)).tracked for picture in pictures]
        seen[acceleration] = [pose.needle_tip is not None for pose in tracked]
        assert sum(pose.guide_tip is not None for pose in tracked) >= 7
    assert any(seen[16.0]) and not any(seen[32.0])
