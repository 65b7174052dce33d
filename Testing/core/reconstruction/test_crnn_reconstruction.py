"""The published learned methods as streams: windows, lag, causality. What they show depends on their weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from reconstruction_frames import acquire, coil_maps, smooth_object
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.networks.crnn_mri import CrnnMri, CrnnMriConfig, NontemporalCrnnMri
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.weights.bundle import save_weights
from TemporalReconLib.weights.model_card import ModelCard

NETWORKS = {"bcrnn": CrnnMri, "nontemporal": NontemporalCrnnMri}
CONFIG = {"n_iterations": 2, "n_filters": 4}
WINDOW = 5


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Untrained networks as model folders, by method."""
    folder = tmp_path_factory.mktemp("weights")
    for method, network_type in NETWORKS.items():
        torch.manual_seed(1)
        network = network_type(CrnnMriConfig(**CONFIG))
        card = ModelCard(task="Tests.", description="Untrained.")
        save_weights(folder / method, network, method, network_type.__name__, CONFIG, {}, {}, card)
    return folder


@pytest.fixture
def make(weights):
    return lambda method: make_reconstructor(method, "cpu", weights / method)


def moving_series(n_frames, n_coils=3, acceleration=4, mask_kind="paper"):
    return [
        acquire(np.roll(smooth_object(32, 24), n, axis=1), n_coils, acceleration, n, mask_kind) for n in range(n_frames)
    ]


def planning_scan(n_coils=3):
    return acquire(smooth_object(32, 24), n_coils)


def play(method, frames, planning=None):
    """What is shown after each frame, and what is left at the end."""
    if planning is not None:
        method.set_planning(planning)
    shown = []
    for frame in frames:
        method.ingest(frame)
        shown.append(method.reconstruct())
    return shown, method.finish()


def complete(method, frames, planning=None):
    """The images of all frames, in order."""
    shown, rest = play(method, frames, planning)
    return [image for image in shown if image is not None] + rest


def changed(frame):
    return replace(frame, data=np.flip(frame.data, axis=3) * np.complex64(1.5))


def test_the_bidirectional_method_shows_every_frame_four_frames_late_under_its_own_name(make):
    method = make("bcrnn")
    frames = moving_series(12)
    shown, rest = play(method, frames)
    assert (method.info.causal, method.info.delay_frames) == (False, WINDOW - 1)
    assert shown[: WINDOW - 1] == [None] * (WINDOW - 1)
    assert [image.index for image in shown[WINDOW - 1 :] + rest] == list(range(12))
    for frame, image in zip(frames, shown[WINDOW - 1 :] + rest, strict=True):
        assert image.acquisition_start_time == frame.acquisition_start_time
        assert image.acquisition_end_time == frame.acquisition_end_time
        assert (image.method, image.acceleration) == ("bcrnn", pytest.approx(frame.acceleration))


@pytest.mark.parametrize("n_frames", [1, 4, 5, 6, 10])
def test_the_last_window_is_run_as_far_as_it_came(make, n_frames):
    assert [image.index for image in complete(make("bcrnn"), moving_series(n_frames))] == list(range(n_frames))


def test_a_window_is_one_reconstruction_of_its_frames_and_of_no_others(make):
    """With or without a planning scan: later frames cannot change it, frames within it do."""
    series = moving_series(10)
    for planning in (None, planning_scan()):
        whole = complete(make("bcrnn"), series, planning)
        short = complete(make("bcrnn"), series[:WINDOW], planning)
        for early, late in zip(short, whole[:WINDOW], strict=True):
            np.testing.assert_array_equal(early.data, late.data)
        other = complete(make("bcrnn"), [*series[:4], changed(series[4]), *series[5:]], planning)
        assert not np.array_equal(other[0].data, whole[0].data)
    np.testing.assert_array_equal(other[5].data, whole[5].data)  # calibrated by the planning scan


def test_pictures_that_were_skipped_change_nothing(make):
    series = moving_series(8)
    every, _ = play(make("bcrnn"), series)
    method = make("bcrnn")
    for frame in series:
        method.ingest(frame)
    np.testing.assert_array_equal(method.reconstruct().data, every[-1].data)


def test_the_nontemporal_method_shows_each_frame_at_once_and_from_nothing_else(make):
    series = moving_series(4)
    method = make("nontemporal")
    shown, rest = play(method, series, planning_scan())
    assert (method.info.causal, method.info.delay_frames, rest) == (True, 0, [])
    assert [image.index for image in shown] == [0, 1, 2, 3]
    others = [series[0], changed(series[1]), series[2], changed(series[3])]
    with_others, _ = play(make("nontemporal"), others, planning_scan())
    differs = [not np.array_equal(one.data, other.data) for one, other in zip(shown, with_others, strict=True)]
    assert differs == [False, True, False, True]
    alone, _ = play(make("nontemporal"), series[2:3], planning_scan())
    np.testing.assert_allclose(alone[0].data, shown[2].data, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_planning_scan_the_future_changes_no_image_that_was_shown(make, name):
    series = moving_series(9)
    whole, _ = play(make(name), series)
    start, _ = play(make(name), series[:6])
    for early, late in zip(start, whole[:6], strict=True):
        assert (early is None) == (late is None)
        if early is not None:
            np.testing.assert_array_equal(early.data, late.data)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_sampled_lines_of_one_noise_free_coil_are_kept(make, name):
    series = moving_series(WINDOW, n_coils=1)
    for frame, image in zip(series, complete(make(name), series), strict=True):
        lines = image_to_kspace(image.complex_data)[frame.mask]
        np.testing.assert_allclose(lines, frame.data[0][frame.mask], atol=1e-4)
        unsampled = image_to_kspace(image.complex_data)[~frame.mask]
        assert np.abs(unsampled).max() > 1e-3


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(32, 24, 2), (45, 39, 3)])
def test_fully_sampled_frames_come_back_as_they_were(make, name, shape):
    truth = smooth_object(*shape)
    series = [acquire(truth, 3, index=index) for index in range(2)]
    image = complete(make(name), series)[-1].data
    expected = truth * np.sqrt((np.abs(coil_maps(3, *shape[:2])) ** 2).sum(axis=0))
    scale = (image * expected).sum() / (image**2).sum()
    assert np.linalg.norm(scale * image - expected) < 0.05 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_scale_of_the_samples_does_not_matter(make, name):
    series = moving_series(WINDOW)
    louder = [replace(frame, data=frame.data * np.complex64(1e5)) for frame in series]
    for image, loud in zip(complete(make(name), series), complete(make(name), louder), strict=True):
        np.testing.assert_allclose(loud.data, 1e5 * image.data, atol=1e5 * 1e-3 * image.data.max())


@pytest.mark.parametrize("name", NETWORKS)
def test_after_reset_nothing_of_the_old_series_is_left(make, name):
    method = make(name)
    play(method, moving_series(7), planning_scan())
    method.reset()
    second = [changed(frame) for frame in moving_series(6)]
    for again, fresh in zip(complete(method, second), complete(make(name), second), strict=True):
        np.testing.assert_array_equal(again.data, fresh.data)


def with_lines(frame, counts):
    """Only the first ``counts`` sampled lines of each slice."""
    mask = frame.mask.copy()
    for row, count in zip(mask, counts, strict=True):
        row[np.flatnonzero(row)[count:]] = False
    return replace(frame, data=frame.data * mask[None, :, :, None], mask=mask)


@pytest.mark.parametrize("name", NETWORKS)
def test_slices_and_frames_may_have_different_numbers_of_lines_or_none(make, name):
    counts = [(8, 3), (5, 8), (0, 8), (8, 8), (1, 2)]
    series = [with_lines(frame, count) for frame, count in zip(moving_series(WINDOW, 1), counts, strict=True)]
    images = complete(make(name), series)
    for frame, image in zip(series, images, strict=True):
        lines = image_to_kspace(image.complex_data)[frame.mask]
        np.testing.assert_allclose(lines, frame.data[0][frame.mask], atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_lines_without_a_center_still_give_finite_images(make, name):
    frame = moving_series(1, acceleration=8, mask_kind="golden")[0]
    mask = frame.mask.copy()
    mask[:, 12:20] = False
    image = complete(make(name), [replace(frame, data=frame.data * mask[None, :, :, None], mask=mask)])[0]
    assert np.isfinite(image.data).all() and image.data.max() > 0


def test_a_checkpoint_of_the_authors_loads_as_the_published_network(tmp_path):
    torch.manual_seed(0)
    torch.save(CrnnMri().state_dict(), tmp_path / "crnn_mri_d5_c5.pth")
    method = make_reconstructor("bcrnn", "cpu", tmp_path / "crnn_mri_d5_c5.pth")
    assert np.isfinite(complete(method, moving_series(1))[0].data).all()
    with pytest.raises(InputError, match=r"do not fit the network of method 'nontemporal': 2 unexpected .*h2h"):
        make_reconstructor("nontemporal", "cpu", tmp_path / "crnn_mri_d5_c5.pth")


@pytest.mark.parametrize("config", [{"widths": [1, 2]}, {"n_filters": 0}])
def test_weights_that_state_another_configuration_are_refused(tmp_path, config):
    card = ModelCard(task="Tests.", description="Untrained.")
    save_weights(tmp_path / "model", CrnnMri(CrnnMriConfig(**CONFIG)), "bcrnn", "Other", config, {}, {}, card)
    with pytest.raises(InputError, match="n_filters"):
        make_reconstructor("bcrnn", "cpu", tmp_path / "model")
