"""The test set: unseen in training, as noisy as stated, with the instrument in the picture."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from TemporalReconLib.benchmark.moments import Moments
from TemporalReconLib.benchmark.runs import Plan
from TemporalReconLib.benchmark.test_set import MAX_SERIES, TEST_SEEDS_FROM, TestSet, nearest_volume, snr
from TemporalReconLib.benchmark.tip_finder import InstrumentLine
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM

SMALL = TestSet(n_series=4, n_frames=24, matrix=128)


@pytest.fixture(scope="module")
def series() -> list:
    return [simulate_series(SMALL.config(number, 16, "golden")) for number in range(2)]


def test_no_seed_is_one_of_training_or_validation() -> None:
    seeds = [TestSet(seed=seed).series_seed(number) for seed in (0, 1) for number in range(MAX_SERIES)]
    assert min(seeds) == TEST_SEEDS_FROM > VALIDATION_SEEDS_FROM + MAX_SERIES
    assert len(set(seeds)) == 2 * MAX_SERIES


def test_noise_in_a_fully_sampled_picture_is_a_twentieth_of_the_bodys_brightness(series: list) -> None:
    stated = [snr(one) for one in series]
    assert np.mean(stated) == pytest.approx(20, abs=3)
    # The same from the planning scan itself: spread of the air's surroundings is no measure, so subtract the truth.
    one = series[0]
    combined = np.sqrt((np.abs(kspace_to_image(one.planning.data[:, 0])) ** 2).sum(axis=0))
    truth = one.image_at(one.planning.acquisition_start_time, with_instrument=False)[0]
    flat = truth > 0.3 * one.level
    # Motion during the scan adds to it, where there are edges; the median does not care.
    noise = 1.4826 * np.median(np.abs(combined - truth)[flat])
    assert np.median(truth[truth > 0.1 * one.level]) / noise == pytest.approx(stated[0], rel=0.2)


def test_the_instrument_lies_in_the_one_slice_from_its_entry_to_the_shot(series: list) -> None:
    for one in series:
        lines = [InstrumentLine.of(truth, one.ijk_to_ras, 1) for truth in one.truth.frames]
        assert sum(line is not None for line in lines) >= 21
        assert sum(line is not None and line.is_needle for line in lines) >= 8
        shown = one.image(22)[0]
        without = one.image_at(one.mid_time_s(22), with_instrument=False)[0]
        row, column = (
            round(value) for value in lines[22].pixels(np.array([lines[22].end_mm - 4.0]), np.zeros(1))[0, 0][::-1]
        )
        assert shown[row, column] < 0.6 * without[row, column]


def test_the_moving_moment_is_the_shot_and_the_static_one_is_not(series: list) -> None:
    for one in series:
        lines = [InstrumentLine.of(truth, one.ijk_to_ras, 1) for truth in one.truth.frames]
        moments = Moments.of(one, lines)
        assert moments.moving == round(0.85 * 24)
        course = moments.tip_course_mm()
        assert course[moments.moving] - course[moments.moving - 1] > 15
        assert np.abs(np.diff(course[moments.static - 4 : moments.static + 1])).max() < 3.0


def test_patients_and_stories_are_the_same_at_every_acceleration_and_mask() -> None:
    first, second = SMALL.config(3, 8, "paper"), SMALL.config(3, 32, "golden")
    assert (first.seed, first.orientation, first.noise) == (second.seed, second.orientation, second.noise)
    assert {SMALL.config(number, 8, "paper").orientation for number in range(2)} == {"coronal", "sagittal"}


def test_in_seconds_the_hand_is_as_fast_at_every_acceleration() -> None:
    timed = dataclasses.replace(SMALL, seconds=6.0)
    slow, fast = (simulate_series(timed.config(1, acceleration, "golden")) for acceleration in (8, 32))
    assert (slow.config.frames, fast.config.frames) == (82, 329)
    for seconds in (0.5, 1.5, 3.0, 4.0, 5.5):
        states = [series.scenario.state(seconds) for series in (slow, fast)]
        if states[0] is None:
            assert states[1] is None
            continue
        # Events lie between two frames, wherever those lie.
        assert np.linalg.norm(states[0].guide_tip - states[1].guide_tip) < 0.5
        assert states[0].extension_mm == pytest.approx(states[1].extension_mm, abs=0.5)


def test_fully_sampled_moments_are_as_many_as_frames_of_a_fast_scan() -> None:
    timed = TestSet(seconds=6.0)
    assert timed.frames_at(1.0) == timed.frames_at(16.0) == round(6.0 / (16 * 4.56e-3))
    assert TestSet(n_frames=7).frames_at(1.0) == TestSet(n_frames=7).frames_at(32.0) == 7


def test_half_of_the_series_lie_in_the_volume_nearest_to_their_slices(tmp_path: Path) -> None:
    paths = []
    for name, normal in (("sagittal", 0), ("coronal", 1), ("axial", 2)):
        image = sitk.GetImageFromArray(np.random.default_rng(0).uniform(0, 1, (4, 16, 16)).astype(np.float32))
        directions = np.roll(np.eye(3), normal + 1, axis=0)
        assert abs(directions[normal, 2]) == 1
        image.SetDirection(directions.ravel().tolist())
        paths.append(tmp_path / f"{name}.nrrd")
        sitk.WriteImage(image, str(paths[-1]))
    assert nearest_volume(tuple(paths), "coronal") == paths[1]
    assert nearest_volume(tuple(paths), "sagittal") == paths[0]
    with_anatomy = TestSet(n_series=8, backgrounds=tuple(paths))
    backgrounds = [with_anatomy.config(number, 8, "paper").background for number in range(8)]
    assert backgrounds == [None, None, paths[1], paths[0]] * 2
    assert Plan(with_anatomy, ("zero-filled",), (8.0,), ("paper",), (True,)).picture_series == 2


def test_impossible_sets_are_refused() -> None:
    with pytest.raises(InputError, match="series 0"):
        TestSet(n_series=0)
    with pytest.raises(InputError, match="seed -1"):
        TestSet(seed=-1)
    with pytest.raises(InputError, match="seconds -1"):
        Plan(TestSet(seconds=-1.0), (), (8.0,), ("paper",), (True,)).check({})
    with pytest.raises(InputError, match="14 frames at R = 8; a whole biopsy takes at least 20: give more seconds"):
        Plan(TestSet(seconds=2.0), (), (8.0,), ("paper",), (True,)).check({})
    with pytest.raises(InputError, match="missing"):
        Plan(TestSet(backgrounds=(Path("missing.nrrd"),)), (), (8.0,), ("paper",), (True,)).check({})
    with pytest.raises(InputError, match="acceleration"):
        Plan(TestSet(), (), (1000.0,), ("paper",), (True,)).check({})
