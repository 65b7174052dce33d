"""Volumes whose slices are played as time: what training shows of them."""

from __future__ import annotations

import numpy as np
import pytest
from TemporalReconLib.training.examples import Sampling, random_example
from TemporalReconLib.training.swept_series import swept_series_of_seed

N_FRAMES = 14


@pytest.fixture(scope="module")
def volumes():
    return [swept_series_of_seed(seed, 64, N_FRAMES) for seed in range(40, 47)]


def test_every_frame_is_another_slice_until_they_go_back(volumes):
    for volume in volumes:
        frames = volume.objects
        assert frames.shape == (N_FRAMES, 64, 64) and len(volume.instruments) == N_FRAMES
        turn = next(k for k in range(1, N_FRAMES - 1) if np.array_equal(frames[k - 1], frames[k + 1]))
        assert 4 <= turn <= 11
        seen = {frame.tobytes() for frame in frames[: turn + 1]}
        assert len(seen) == turn + 1
        steps = min(turn, N_FRAMES - 1 - turn)
        for k in range(1, steps + 1):
            np.testing.assert_array_equal(frames[turn - k], frames[turn + k])
            assert volume.instruments[turn - k] is volume.instruments[turn + k]


def test_most_are_magnitudes_of_one_channel(volumes):
    single = [volume for volume in volumes if volume.coil_maps.shape[0] == 1]
    assert 3 <= len(single) < len(volumes)
    for volume in single:
        assert not volume.objects.imag.any() and (volume.objects.real >= 0).all()
        assert (volume.coil_maps == 1).all()
    assert any(volume.objects.imag.any() for volume in volumes if volume.coil_maps.shape[0] > 1)


def test_the_instrument_is_in_some_slices_and_not_in_all(volumes):
    shown = [sum(item is not None for item in volume.instruments) / N_FRAMES for volume in volumes]
    assert sum(0 < share < 1 for share in shown) >= 3


def test_no_planning_scan_is_ever_made_up_for_them(volumes):
    generator = np.random.default_rng(0)
    for volume in volumes:
        for _ in range(4):
            example = random_example(generator, volume, Sampling(8, 8, 32))
            assert not example.planning.any()
