"""What the temporal method promises whatever it has learned: causality, consistency, scale, coils, slices, reset."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from reconstruction_frames import GEOMETRY, acquire, smooth_object
from scipy.ndimage import gaussian_filter
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.networks.temporal_network import TemporalNetwork, TemporalNetworkConfig
from TemporalReconLib.reconstruction import temporal_reconstruction
from TemporalReconLib.reconstruction.temporal_memory import noise_variance_of
from TemporalReconLib.reconstruction.temporal_reconstruction import TemporalReconstruction
from TemporalReconLib.weights.bundle import save_weights
from TemporalReconLib.weights.model_card import ModelCard

CONFIG = {"widths": [4, 6, 8], "consistency_iterations": 2, "sparse_iterations": 2, "cascades": 2}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small network with random last convolutions, so that all it computes matters."""
    torch.manual_seed(3)
    network = TemporalNetwork(TemporalNetworkConfig.from_json(CONFIG))
    for unet in (unet for cascade in network.cascades for unet in (cascade.first, cascade.second)):
        torch.nn.init.normal_(unet.tail.weight, std=0.05)
    folder = tmp_path_factory.mktemp("weights") / "temporal"
    save_weights(folder, network, "temporal", "TemporalNetwork", CONFIG, {}, {}, ModelCard("Tests.", "Untrained."))
    return folder


@pytest.fixture
def method(weights, monkeypatch):
    """In full precision, where differences mean something."""
    monkeypatch.setattr(temporal_reconstruction, "computes_bfloat16", lambda device: False)
    return TemporalReconstruction(torch.device("cpu"), weights)


def soft_object(rows=32, columns=24, slices=2):
    """Without edges sharper than a scanner resolves: the corners of k-space hold noise only."""
    return gaussian_filter(smooth_object(rows, columns, slices), (0.0, 1.5, 1.5))


def series(n_frames=5, n_coils=3, acceleration=4.0, slices=2, rows=32, columns=24, mask_kind="golden", noise=0.0):
    """An object that moves down one row per frame."""
    still = soft_object(rows, columns, slices)
    return [acquire(np.roll(still, n, axis=1), n_coils, acceleration, n, mask_kind, noise) for n in range(n_frames)]


def planning(n_coils=3, slices=2, rows=32, columns=24):
    return acquire(soft_object(rows, columns, slices), n_coils)


def play(method, frames, scan=None):
    method.reset()
    if scan is not None:
        method.set_planning(scan)
    images = []
    for frame in frames:
        method.ingest(frame)
        images.append(method.reconstruct().data)
    return images


@pytest.mark.parametrize("with_planning", [True, False])
def test_no_image_depends_on_later_frames(method, with_planning) -> None:
    frames = series()
    scan = planning() if with_planning else None
    whole = play(method, frames, scan)
    garbage = [replace(frame, data=frame.data * np.complex64(7j)) for frame in frames[3:]]
    changed = play(method, [*frames[:3], *garbage], scan)
    for first, second in zip(whole[:3], changed[:3], strict=True):
        assert np.array_equal(first, second)
    assert not np.allclose(whole[3], changed[3])


def test_after_a_reset_nothing_of_the_past_is_left(method) -> None:
    frames = series()
    without = play(method, frames)
    with_scan = play(method, frames, planning())
    assert not np.allclose(without[-1], with_scan[-1], rtol=1e-3)
    assert all(np.array_equal(one, two) for one, two in zip(without, play(method, frames), strict=True))


# Powers of two, which round nothing: untrained networks amplify rounding.
@pytest.mark.parametrize("factor", [2.0**-20, 2.0**20])
def test_brighter_samples_give_the_same_image_brighter(method, factor) -> None:
    frames, scan = series(noise=0.01), planning()
    plain = play(method, frames, scan)
    scaled = play(
        method,
        [replace(frame, data=frame.data * np.float32(factor)) for frame in frames],
        replace(scan, data=scan.data * np.float32(factor)),
    )
    for one, other in zip(plain, scaled, strict=True):
        assert np.abs(other / factor - one).max() < 1e-5 * one.max()


@pytest.mark.parametrize("factor", [2.0**-20, 2.0**20])
def test_brightness_does_not_matter_where_a_series_begins_without_the_center_of_k_space(method, factor) -> None:
    """As golden order does, mostly; and there is no planning scan that would tell the scale."""
    frames = [without_center(frame) if n < 2 else frame for n, frame in enumerate(series(noise=0.001))]
    plain = play(method, frames)
    scaled = play(method, [replace(frame, data=frame.data * np.float32(factor)) for frame in frames])
    for one, other in zip(plain, scaled, strict=True):
        assert np.abs(other / factor - one).max() < 1e-2 * one.max()


def without_center(frame: KSpaceFrame) -> KSpaceFrame:
    center = frame.mask.shape[1] // 2
    mask, data = frame.mask.copy(), frame.data.copy()
    mask[:, center - 1 : center + 2], data[:, :, center - 1 : center + 2] = False, 0
    return replace(frame, mask=mask, data=data)


def test_the_order_and_the_phase_of_the_coils_do_not_matter(method) -> None:
    frames, scan = series(noise=0.01), planning()
    turn = np.exp(1j * np.array([0.3, -1.1, 2.0])).astype(np.complex64)[:, None, None, None]

    def shuffled(frame: KSpaceFrame) -> KSpaceFrame:
        return replace(frame, data=np.ascontiguousarray((frame.data * turn)[[2, 0, 1]]))

    plain = play(method, frames, scan)
    other = play(method, [shuffled(frame) for frame in frames], shuffled(scan))
    for one, two in zip(plain, other, strict=True):
        assert np.linalg.norm(one - two) < 0.02 * np.linalg.norm(one)


def test_sampled_lines_of_a_noise_free_frame_are_kept(method) -> None:
    frames = series(n_coils=1, slices=1)
    method.reset()
    for frame in frames:
        method.ingest(frame)
        image = method.reconstruct()
        again = image_to_kspace(image.complex_data)
        mask = frame.mask[0]
        assert np.abs(again[0, mask] - frame.data[0, 0, mask]).max() < 1e-4 * np.abs(frame.data).max()


def test_slices_do_not_see_each_other(method) -> None:
    frames, scan = series(), planning()

    def other_way_around(frame: KSpaceFrame) -> KSpaceFrame:
        data = frame.data.copy()
        data[:, 1, :, 1:] = data[:, 1, :, :0:-1]
        return replace(frame, data=data)

    first = play(method, frames, scan)
    second = play(method, [other_way_around(frame) for frame in frames], scan)
    # One scale holds for the whole stack; what the other slice shows must not matter.
    for one, two in zip(first, second, strict=True):
        assert np.abs(one[0] - two[0]).max() < 0.02 * one.max()
        assert np.abs(one[1] - two[1]).max() > 0.1 * one.max()


def test_more_slices_than_fit_at_once_give_the_same_images(method, monkeypatch) -> None:
    frames, scan = series(3, slices=5), planning(slices=5)
    together = play(method, frames, scan)
    monkeypatch.setattr(temporal_reconstruction, "_SLICES_AT_ONCE", 2)
    in_turns = play(method, frames, scan)
    for one, two in zip(together, in_turns, strict=True):
        assert np.abs(one - two).max() < 0.01 * one.max()


def test_forty_slices_of_thirty_two_coils_run(method) -> None:
    images = play(method, series(2, n_coils=32, slices=40, rows=24, columns=16), None)
    assert images[-1].shape == (40, 24, 16) and np.isfinite(images[-1]).all()


@pytest.mark.parametrize(
    ("rows", "columns", "n_coils", "acceleration", "mask_kind"),
    [(50, 37, 1, 4, "paper"), (31, 33, 2, 8, "golden"), (64, 40, 12, 40, "paper"), (20, 96, 5, 16, "golden")],
)
def test_any_matrix_coils_and_acceleration(method, rows, columns, n_coils, acceleration, mask_kind) -> None:
    frames = series(3, n_coils, min(acceleration, rows), 1, rows, columns, mask_kind)
    for scan in (None, planning(n_coils, 1, rows, columns)):
        for image in play(method, frames, scan):
            assert image.shape == (1, rows, columns) and np.isfinite(image).all()


def test_masks_never_seen_in_training_and_a_slice_without_lines(method) -> None:
    frames = []
    for index, frame in enumerate(series(4, acceleration=1.0)):
        mask = np.zeros_like(frame.mask)
        mask[0, [slice(None, None, 2), slice(0, 5), slice(16, 17), slice(3, 29)][index]] = True
        mask[1, :index] = True
        frames.append(replace(frame, mask=mask, data=frame.data * mask[None, :, :, None]))
    for scan in (None, planning()):
        assert all(np.isfinite(image).all() for image in play(method, frames, scan))


def test_a_frame_of_zeros_is_no_disaster(method) -> None:
    frames = series(3)
    frames[1] = replace(frames[1], data=np.zeros_like(frames[1].data))
    assert all(np.isfinite(image).all() for image in play(method, frames, planning()))
    method.reset()
    method.ingest(frames[1])
    assert np.isfinite(method.reconstruct().data).all()


def test_with_a_planning_scan_the_first_image_of_a_still_object_is_that_object(weights) -> None:
    network = TemporalNetwork(TemporalNetworkConfig.from_json(CONFIG))
    folder = weights.parent / "untrained"
    save_weights(folder, network, "temporal", "TemporalNetwork", CONFIG, {}, {}, ModelCard("Tests.", "Untrained."))
    untrained = TemporalReconstruction(torch.device("cpu"), folder)
    still = soft_object(64, 48, 2)
    scan = acquire(still, 4)
    truth = np.sqrt((np.abs(np.stack([np.abs(c) for c in _coil_images(scan)])) ** 2).sum(axis=0))
    image = play(untrained, [acquire(still, 4, 8.0, 3)], scan)[0]
    assert np.linalg.norm(image - truth) < 0.05 * np.linalg.norm(truth)
    # A planning image of another gain helps as well: closer than without any.
    as_image = ImageFrame((5.0 * truth).astype(np.float32), GEOMETRY)
    blind = play(untrained, [acquire(still, 4, 8.0, 3, "paper")])[0]
    helped = play(untrained, [acquire(still, 4, 8.0, 3, "paper")], as_image)[0]
    assert np.linalg.norm(helped - truth) < 0.9 * np.linalg.norm(blind - truth)


def test_a_fully_sampled_frame_serves_as_planning_scan(method) -> None:
    frames = series(4)
    frames[0] = acquire(soft_object(32, 24, 2), 3)
    images = play(method, frames)
    assert np.linalg.norm(images[1] - images[0]) < 0.5 * np.linalg.norm(images[0])


def test_skipped_pictures_lose_no_samples(method) -> None:
    frames, scan = series(6, noise=0.01), planning()
    method.reset()
    method.set_planning(scan)
    for frame in frames:
        method.ingest(frame)
    late = method.reconstruct()
    assert late.index == 5
    age = method._memory.input(slice(None)).age
    for slice_index in range(2):
        for n, frame in enumerate(frames):
            newer = np.any([later.mask[slice_index] for later in frames[n + 1 :]], axis=0) if n < 5 else False
            lines = frame.mask[slice_index] & ~np.asarray(newer)
            assert (age[slice_index].numpy()[lines] == 5 - n).all()


@pytest.mark.parametrize("sigma", [0.002, 0.02, 0.1])
def test_the_noise_is_found_in_the_samples(sigma) -> None:
    frame = acquire(soft_object(128, 128, 1), 4, 4.0, 1, noise=sigma)
    assert noise_variance_of(frame) == pytest.approx(sigma**2, rel=0.25)


def test_readout_edges_that_were_filled_with_zeros_are_no_silence() -> None:
    frame = acquire(soft_object(128, 128, 1), 4, 4.0, 1, noise=0.02)
    data = frame.data.copy()
    data[..., :5] = data[..., -5:] = 0
    assert noise_variance_of(replace(frame, data=data)) == pytest.approx(4e-4, rel=0.3)
    assert np.isnan(noise_variance_of(replace(frame, data=np.zeros_like(data))))


def test_half_precision_changes_little(method, weights, monkeypatch) -> None:
    frames, scan = series(noise=0.01), planning()
    exact = play(method, frames, scan)
    monkeypatch.setattr(temporal_reconstruction, "computes_bfloat16", lambda device: True)
    rough = play(TemporalReconstruction(torch.device("cpu"), weights), frames, scan)
    for one, two in zip(exact, rough, strict=True):
        assert 0 < np.linalg.norm(one - two) < 0.03 * np.linalg.norm(one)


def test_no_memory_grows_with_the_frames(method) -> None:
    frames = series(4)
    method.reset()
    sizes = []
    for n in range(60):
        method.ingest(replace(frames[n % 4], index=n))
        method.reconstruct()
        state = method._states[0]
        sizes.append(state.image.numel() + state.log_error.numel() + state.memory.numel())
    assert len(set(sizes)) == 1 and len(method._states) == 1


def _coil_images(frame: KSpaceFrame) -> np.ndarray:
    from TemporalReconLib.fourier import kspace_to_image

    return kspace_to_image(frame.data)


def test_a_network_that_runs_away_is_not_believed(tmp_path):
    """It would hand its error on from frame to frame; the sparse change is shown instead, and the quality says so."""
    torch.manual_seed(5)
    network = TemporalNetwork(TemporalNetworkConfig.from_json(CONFIG))
    for unet in (unet for cascade in network.cascades for unet in (cascade.first, cascade.second)):
        torch.nn.init.normal_(unet.tail.weight, std=20.0)
    config = CONFIG | {"quality": {"bias": -8.0, "weights": [-5.0, -1.0, 0.0], "good_below": 0.12}}
    save_weights(tmp_path / "m", network, "temporal", "TemporalNetwork", config, {}, {}, ModelCard("Tests.", "Wild."))
    method = TemporalReconstruction(torch.device("cpu"), tmp_path / "m")
    method.set_planning(planning())
    truth = soft_object()
    for n, frame in enumerate(series(n_frames=12)):
        method.ingest(frame)
        image = method.reconstruct()
        moved = np.roll(truth, n, axis=1)
        assert np.abs(image.data[0] - moved).max() < 0.5 * moved.max()
        assert image.quality < 0.01 and image.is_unreliable
