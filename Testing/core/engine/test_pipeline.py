"""Order, losses and restarts of a stream."""

from dataclasses import replace

import numpy as np
import pytest
from engine_frames import moved, still_frame, still_object
from TemporalReconLib.engine.pipeline import ReconstructionPipeline
from TemporalReconLib.reconstruction.registry import make_reconstructor


@pytest.fixture
def a_pipeline():
    return ReconstructionPipeline(make_reconstructor("sliding-window", "cpu"))


def play(pipeline, indices):
    return [pipeline.push(still_frame(index)) for index in indices]


def test_a_gap_counts_the_missing_frames_and_goes_on(a_pipeline):
    images = play(a_pipeline, [0, 1, 5])
    assert images[-1].index == 5
    assert (a_pipeline.counters.missing, a_pipeline.counters.accepted, a_pipeline.counters.restarts) == (3, 3, 0)


def test_a_frame_that_could_not_be_read_is_not_missing_as_well(a_pipeline):
    a_pipeline.push(still_frame(0))
    a_pipeline.expect_unreadable(2)
    play(a_pipeline, [5, 7])
    assert a_pipeline.counters.missing == 2 + 1


def test_a_repeated_frame_is_dropped_and_counted(a_pipeline):
    images = play(a_pipeline, [0, 1, 1, 2])
    assert images[2] is None and images[3].index == 2
    assert (a_pipeline.counters.repeated, a_pipeline.counters.missing) == (1, 0)


def fresh_image(frame):
    return ReconstructionPipeline(make_reconstructor("sliding-window", "cpu")).push(frame).data


@pytest.mark.parametrize(
    "successor",
    [
        still_frame(0),
        replace(still_frame(4), stream_id="next"),
        moved(still_frame(4), [0.0, 5.0, 0.0]),
    ],
    ids=["index steps back", "another stream", "table moved"],
)
def test_a_new_series_starts_without_the_old_lines(a_pipeline, successor):
    play(a_pipeline, [0, 1, 2, 3])
    image = a_pipeline.push(successor)
    np.testing.assert_array_equal(image.data, fresh_image(successor))
    assert a_pipeline.counters.restarts == 1


def test_slices_played_as_time_share_their_lines_although_each_has_its_own_place():
    pipeline = ReconstructionPipeline(make_reconstructor("sliding-window", "cpu"), follow_geometry=False)
    pipeline.push(still_frame(0))
    image = pipeline.push(moved(still_frame(1), [0.0, 0.0, 3.0]))
    assert pipeline.counters.restarts == 0
    assert np.linalg.norm(image.data - fresh_image(moved(still_frame(1), [0.0, 0.0, 3.0]))) > 0


def test_another_method_goes_on_with_the_next_frame(a_pipeline):
    play(a_pipeline, [0, 1])
    a_pipeline.replace_reconstructor(make_reconstructor("zero-filled", "cpu"))
    assert a_pipeline.push(still_frame(2)).method == "zero-filled"
    assert a_pipeline.counters.restarts == 0


def test_the_planning_scan_outlives_a_restart_at_the_same_place_only(a_pipeline):
    planning = still_frame(0, acceleration=1)
    for successor, stays in ((still_frame(0), True), (moved(still_frame(0), [0.0, 5.0, 0.0]), False)):
        a_pipeline.set_planning(planning)
        play(a_pipeline, [3])
        image = a_pipeline.push(successor)
        assert (np.abs(image.data - still_object()).max() < 1e-4) == stays


def test_a_step_back_is_counted_apart_from_other_restarts(a_pipeline):
    play(a_pipeline, [0, 1, 0])
    a_pipeline.push(replace(still_frame(1), stream_id="next"))
    assert (a_pipeline.counters.restarts, a_pipeline.counters.stepped_back) == (2, 1)
