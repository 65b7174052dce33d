"""Behaviour that every method must show, and what each one promises."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from reconstruction_frames import acquire, coil_maps, smooth_object
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import METHODS, make_reconstructor

# What a learned method shows depends on its weights: it has tests of its own.
CLASSICAL = [name for name, method in METHODS.items() if not method.has_weights]


def relative_error(image, truth):
    scale = (image * truth).sum() / (image * image).sum()
    return float(np.linalg.norm(scale * image - truth) / np.linalg.norm(truth))


def run(method, frames, planning=None):
    if planning is not None:
        method.set_planning(planning)
    images = []
    for frame in frames:
        method.ingest(frame)
        images.append(method.reconstruct())
    return images


def weighted(image, n_coils):
    """What a root-sum-of-squares combination shows of an image."""
    return image * np.sqrt((np.abs(coil_maps(n_coils, *image.shape[1:])) ** 2).sum(axis=0))


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_fully_sampled_frame_comes_back_as_it_was(name):
    truth = smooth_object()
    image = run(make_reconstructor(name, "cpu"), [acquire(truth, n_coils=4)])[-1]
    assert relative_error(image.data, weighted(truth, 4)) < 0.02


@pytest.mark.parametrize("name", CLASSICAL)
def test_no_method_looks_into_the_future(name):
    series = [acquire(np.roll(smooth_object(), n, axis=1), 4, 8, n) for n in range(6)]
    whole = run(make_reconstructor(name, "cpu"), series)
    start = run(make_reconstructor(name, "cpu"), series[:3])
    for early, late in zip(start, whole[:3], strict=True):
        np.testing.assert_array_equal(early.data, late.data)


@pytest.mark.parametrize("name", CLASSICAL)
def test_after_reset_nothing_of_the_old_series_is_left(name):
    first = [acquire(smooth_object(), 4, 8, n) for n in range(3)]
    second = [acquire(np.flip(smooth_object(), axis=2).copy(), 4, 8, n) for n in range(3)]
    method = make_reconstructor(name, "cpu")
    run(method, first)
    method.reset()
    again = run(method, second)
    fresh = run(make_reconstructor(name, "cpu"), second)
    np.testing.assert_allclose(again[-1].data, fresh[-1].data, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_scale_of_the_data_does_not_matter(name):
    frames = [acquire(smooth_object(), 4, 4, n, noise=0.01) for n in range(3)]
    louder = [replace(frame, data=frame.data * np.complex64(1e6)) for frame in frames]
    small = run(make_reconstructor(name, "cpu"), frames)[-1].data
    large = run(make_reconstructor(name, "cpu"), louder)[-1].data
    np.testing.assert_allclose(large, small * 1e6, rtol=0, atol=2e-3 * 1e6 * small.max())


@pytest.mark.parametrize("name", CLASSICAL)
def test_odd_matrices_and_many_slices_are_reconstructed(name):
    truth = smooth_object(rows=45, columns=39, slices=3)
    image = run(make_reconstructor(name, "cpu"), [acquire(truth, 3)])[-1]
    assert relative_error(image.data, weighted(truth, 3)) < 0.03


@pytest.mark.parametrize("name", CLASSICAL)
def test_image_frames_carry_what_the_samples_state(name):
    frame = acquire(smooth_object(), 2, 8, index=5, stream_id="A", has_geometry=False)
    image = run(make_reconstructor(name, "cpu"), [frame])[-1]
    assert (image.index, image.stream_id, image.has_geometry, image.method) == (5, "A", False, name)
    assert (image.acquisition_start_time, image.acquisition_end_time) == (0.5, 0.6)
    assert image.acceleration == pytest.approx(8.0)


@pytest.mark.parametrize("name", CLASSICAL)
def test_an_undersampled_planning_scan_is_refused(name):
    with pytest.raises(InputError, match="fully sampled"):
        make_reconstructor(name, "cpu").set_planning(acquire(smooth_object(), 2, 4))


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_frame_with_other_coils_is_refused_without_a_reset(name):
    method = make_reconstructor(name, "cpu")
    method.ingest(acquire(smooth_object(), 4, 4, 0))
    with pytest.raises(InputError, match="does not fit the series"):
        method.ingest(acquire(smooth_object(), 3, 4, 1))


def test_the_sliding_window_is_exact_once_a_still_object_was_seen_whole():
    truth = smooth_object()
    images = run(make_reconstructor("sliding-window", "cpu"), [acquire(truth, 1, 8, n) for n in range(8)])
    assert relative_error(images[0].data, truth) > 0.2
    assert relative_error(images[-1].data, truth) < 1e-5


def test_the_newest_line_wins_in_the_sliding_window():
    old, new = smooth_object(), np.flip(smooth_object(), axis=1).copy()
    series = [acquire(old, 1, 8, n) for n in range(8)] + [acquire(new, 1, 8, n) for n in range(8, 16)]
    assert relative_error(run(make_reconstructor("sliding-window", "cpu"), series)[-1].data, new) < 1e-5


def test_a_planning_scan_fills_what_the_sliding_window_has_not_seen():
    truth = smooth_object()
    series = [acquire(truth, 2, 8, 0)]
    without = run(make_reconstructor("sliding-window", "cpu"), series)[-1]
    with_plan = run(make_reconstructor("sliding-window", "cpu"), series, planning=acquire(truth, 2))[-1]
    assert relative_error(with_plan.data, weighted(truth, 2)) < 1e-5 < relative_error(without.data, weighted(truth, 2))


def moving_dark_spot(position):
    image = smooth_object()
    image[:, position : position + 6, 20:26] = 0.0
    return image


def test_prior_based_sensing_shows_a_void_that_the_planning_scan_has_not():
    """The needle is new: the prior must not hide it."""
    truth = moving_dark_spot(30)
    method = make_reconstructor("compressed-sensing", "cpu")
    frames = [acquire(truth, 6, 4, n, noise=0.002) for n in range(2)]
    image = run(method, frames, planning=acquire(smooth_object(), 6, noise=0.002))[-1].data
    background = weighted(smooth_object(), 6)
    spot = np.s_[:, 31:35, 21:25]
    assert image[spot].mean() < 0.4 * background[spot].mean()


def test_prior_based_sensing_beats_zero_filling_and_view_sharing_on_a_moving_void():
    series = [acquire(moving_dark_spot(24 + 2 * n), 6, 8, n, noise=0.002) for n in range(6)]
    planning = acquire(smooth_object(), 6, noise=0.002)
    truth = weighted(moving_dark_spot(24 + 2 * 5), 6)
    errors = {
        name: relative_error(run(make_reconstructor(name, "cpu"), series, planning=planning)[-1].data, truth)
        for name in CLASSICAL
    }
    assert errors["compressed-sensing"] < errors["sliding-window"] < errors["zero-filled"]


def test_a_magnitude_planning_image_of_any_scale_helps_as_prior():
    truth = smooth_object()
    prior = ImageFrame((1e3 * truth).astype(np.float32), acquire(truth).ijk_to_ras)
    series = [acquire(truth, 1, 8, 0, "paper", noise=0.002)]
    without = run(make_reconstructor("compressed-sensing", "cpu"), series)[-1]
    with_prior = run(make_reconstructor("compressed-sensing", "cpu"), series, planning=prior)[-1]
    assert relative_error(with_prior.data, truth) < 0.5 * relative_error(without.data, truth)


def test_more_weights_than_a_method_has_and_unknown_names_are_refused(tmp_path):
    with pytest.raises(InputError, match="has no weights"):
        make_reconstructor("zero-filled", "cpu", tmp_path / "weights.pt")
    with pytest.raises(InputError, match="unknown method 'nonsense', expected one of"):
        make_reconstructor("nonsense")
    with pytest.raises(InputError, match="unknown device 'abacus'"):
        make_reconstructor("zero-filled", "abacus")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="0 CUDA devices found"):
            make_reconstructor("zero-filled", "cuda:0")
