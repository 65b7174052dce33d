"""Own series as training data: their pixels, coils and truth come through; what cannot be used is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.ismrmrd_writer import write_ismrmrd
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.simulation_config import SimulationConfig
from TemporalReconLib.training.example_stream import ExampleStream
from TemporalReconLib.training.recorded_series import find_recordings, recorded_series
from TemporalReconLib.training.stored_series import StoredSeries
from training_runs import a_stream

ROWS, COLUMNS, FRAMES = 40, 36, 4
GEOMETRY = np.diag([2.0, 2.0, 4.0, 1.0])


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def write_images(path, slices=3, frames=FRAMES, columns=COLUMNS):
    """Magnitudes whose every pixel tells its frame; the first slice lies in air."""
    scene = random().uniform(0.5, 1.0, (slices, ROWS, columns)).astype(np.float32)
    scene[0] *= 0.01 if slices > 1 else 1.0
    images = [ImageFrame(scene * np.float32(1 + n), GEOMETRY, n, 0.1 * n, 0.1 * n) for n in range(frames)]
    write_image_sequence(path, images)
    return scene


@pytest.fixture(scope="module")
def biopsy(tmp_path_factory):
    """A fully sampled, noise-free simulated biopsy in a file, its planning scan and its truth beside it."""
    folder = tmp_path_factory.mktemp("biopsy")
    config = SimulationConfig(frames=3, acceleration=1.0, coils=8, matrix=64, n_slices=1, noise=0.0, seed=8)
    series = SimulatedSeries(config)
    still = [replace(series.frame(n), data=_kspace_at(series, n)) for n in range(3)]
    write_ismrmrd(folder / "case.h5", still, series.planning)
    series.truth.write(folder / "case.json")
    return folder / "case.h5", series


def _kspace_at(series, index):
    """All lines of one moment: motion during a frame would spoil the comparison."""
    return image_to_kspace(series.coil_images_at(series.mid_time_s(index)))


def test_magnitudes_keep_their_pixels_and_get_one_smooth_phase_and_coils(tmp_path):
    scene = write_images(tmp_path / "scan.seq.nrrd")
    stored = recorded_series(random(1), tmp_path / "scan.seq.nrrd", 5, FRAMES)
    assert stored.objects.shape == (FRAMES, ROWS, COLUMNS) and stored.coil_maps.shape == (5, ROWS, COLUMNS)
    (index,) = [k for k in range(3) if np.allclose(np.abs(stored.objects[0]), scene[k], rtol=1e-5)]
    assert np.allclose(np.abs(stored.objects), scene[index] * np.arange(1, FRAMES + 1)[:, None, None], rtol=1e-5)
    assert np.allclose(np.abs(stored.planning), scene[index], rtol=1e-5)
    phase = stored.objects / np.abs(stored.objects)
    assert np.allclose(phase, phase[0], atol=1e-5)
    assert 0.01 < np.abs(np.diff(phase[0], axis=1)).max() < 0.5
    assert stored.instruments == (None,) * FRAMES


def test_slices_in_air_are_not_drawn(tmp_path):
    scene = write_images(tmp_path / "scan.seq.nrrd")
    drawn = [np.abs(recorded_series(random(seed), tmp_path / "scan.seq.nrrd", 1, 2).objects[0]) for seed in range(8)]
    assert all(image.mean() > 0.5 * scene[1:].mean() for image in drawn)


def test_a_short_series_goes_forth_and_back(tmp_path):
    scene = write_images(tmp_path / "scan.seq.nrrd", slices=1, frames=3)
    stored = recorded_series(random(), tmp_path / "scan.seq.nrrd", 1, 8)
    levels = np.abs(stored.objects).mean(axis=(1, 2)) / scene.mean()
    assert levels == pytest.approx([1, 2, 3, 2, 1, 2, 3, 2], rel=1e-4)


def test_multi_coil_data_keep_their_coils_and_phase(biopsy):
    """Coils times object give back what was measured, with six virtual coils for eight."""
    path, series = biopsy
    stored = recorded_series(random(), path, 2, 3)
    assert stored.coil_maps.shape == (6, 64, 64)
    measured = series.coil_images_at(series.mid_time_s(1))[:, 0]
    energy = np.sqrt((np.abs(measured) ** 2).sum(axis=0))
    modelled = np.sqrt((np.abs(stored.coil_maps * stored.objects[1]) ** 2).sum(axis=0))
    assert np.linalg.norm(modelled - energy) < 0.03 * np.linalg.norm(energy)
    before = np.abs(series.object_at(-10.0, with_instrument=False)[0]) * series._sensitivity[0]
    assert np.linalg.norm(np.abs(stored.planning) - before) < 0.1 * np.linalg.norm(before)


def test_the_truth_beside_a_simulated_recording_places_the_instrument(biopsy):
    path, series = biopsy
    stored, expected = recorded_series(random(), path, 2, 3), StoredSeries.of(series)
    assert any(item is not None for item in expected.instruments)
    for found, wanted in zip(stored.instruments, expected.instruments, strict=True):
        assert (found is None) == (wanted is None)
        if found is not None and wanted is not None:
            assert found.tip == pytest.approx(wanted.tip, abs=1e-2)


def test_a_stream_draws_half_of_its_series_from_the_recordings(tmp_path):
    write_images(tmp_path / "scan.seq.nrrd", columns=64)
    config = a_stream(recordings=find_recordings(tmp_path, 32), pool_size=1, batches_per_series=1)
    batches = iter(ExampleStream(config))
    rows = [next(batches).objects.shape[2] for _ in range(12)]
    assert set(rows) == {32, ROWS} and 2 <= rows.count(ROWS) <= 10


def no_series(folder):
    (folder / "readme.txt").write_text("nothing here")


def one_volume(folder):
    write_images(folder / "volume.nrrd", frames=1)


def a_narrow_series(folder):
    write_images(folder / "narrow.seq.nrrd", columns=20)


def an_undersampled_series(folder):
    mask = np.arange(ROWS)[None] % 2 == 0
    lines = np.ones((1, 1, ROWS, COLUMNS), np.complex64) * mask[..., None]
    frames = [KSpaceFrame(lines, mask, GEOMETRY, n, 0.1 * n, 0.1 * n) for n in range(2)]
    write_ismrmrd(folder / "fast.h5", frames)


def a_damaged_file(folder):
    (folder / "cut.nrrd").write_bytes(b"NRRD0004\n")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (no_series, "no series in it"),
        (one_volume, "one time point.*--backgrounds"),
        (a_narrow_series, "20 columns.*at least 32"),
        (an_undersampled_series, r"undersampled \(R = 2.0\)"),
        (a_damaged_file, "cut.nrrd"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_training(tmp_path, write, message):
    write(tmp_path)
    with pytest.raises(InputError, match=message):
        find_recordings(tmp_path, 32)


@pytest.mark.parametrize("text", ["[]", "{", '{"frames": []}', '{"frames": [{"index": 0}]}'])
def test_a_json_that_is_no_truth_is_refused(tmp_path, text):
    write_images(tmp_path / "scan.nrrd")
    (tmp_path / "scan.json").write_text(text)
    with pytest.raises(InputError, match=r"scan\.json: .*move it away"):
        recorded_series(random(), tmp_path / "scan.nrrd", 1, 2)
