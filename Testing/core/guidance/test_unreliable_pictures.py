"""What a picture is worth that its own method doubts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.guidance.played import guidance_of
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.segmentation.registry import make_segmenter
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing
from TemporalReconLib.geometry import slice_normal
from TemporalReconLib.reconstruction.registry import make_reconstructor
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


def test_in_unreliable_pictures_nothing_seen_is_a_needle(pictures: list[ImageFrame]) -> None:
    believed, doubted = ([], [])
    for quality, results in ((0.9, believed), (0.2, doubted)):
        pipeline = TrackingPipeline()
        results += [pipeline.push(replace(picture, quality=quality)) for picture in pictures]
    assert any(guidance.tracked.needle_tip is not None for guidance in believed)
    assert all(guidance.tracked.needle_tip is None for guidance in doubted)
    assert {guidance.tracked.state for guidance in doubted} == {TrackingState.TRACKED}


def test_an_unreliable_picture_that_shows_nothing_never_means_absent(pictures: list[ImageFrame]) -> None:
    empty = [replace(picture, data=np.full_like(picture.data, 0.5), quality=0.2) for picture in pictures]
    pipeline = TrackingPipeline()
    assert {pipeline.push(picture).tracked.state for picture in empty} == {TrackingState.LOST}


def test_no_needle_is_reported_beyond_the_acceleration_at_which_pictures_follow_it(pictures: list[ImageFrame]) -> None:
    """The guide still is."""
    seen = {}
    for acceleration in (16.0, 32.0):
        pipeline = TrackingPipeline()
        tracked = [pipeline.push(replace(picture, acceleration=acceleration)).tracked for picture in pictures]
        seen[acceleration] = [pose.needle_tip is not None for pose in tracked]
        assert sum(pose.guide_tip is not None for pose in tracked) >= 7
    assert any(seen[16.0]) and not any(seen[32.0])


def test_a_still_volume_without_planning_scan_is_found_at_r_16(tmp_path: Path) -> None:
    """One channel, magnitudes, fresh lines in every frame: pictures that their own method doubts, but good enough."""
    series = simulate_series(SimulationConfig(frames=20, n_slices=1, seed=9102, planning=False, coils=1))
    volume = tmp_path / "volume.nrrd"
    write_image_sequence(volume, [ImageFrame(series.image(14), series.ijk_to_ras, 0)])
    options = SeriesOptions(frames="repeat:10", acceleration=16.0)
    reconstructor = make_reconstructor("temporal", "cpu")
    pipeline = TrackingPipeline(segmenter=make_segmenter("network", "cpu"))
    results = list(guidance_of(open_for_playing(volume, options), pipeline, reconstructor))
    truth = series.truth.frames[14].guide_tip
    normal = slice_normal(series.ijk_to_ras)
    assert all(guidance.image.is_unreliable for guidance in results[:4])
    for guidance in results[1:]:
        assert guidance.tracked.state is TrackingState.TRACKED and guidance.tracked.guide_tip is not None
        away = guidance.tracked.guide_tip - truth
        assert np.linalg.norm(away - (away @ normal) * normal) < 2.5
