"""Examples are what the scanner would have sent: strips, masks and coils against plain Fourier transforms."""

import numpy as np
import pytest
import torch
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.networks.line_age import NEVER
from TemporalReconLib.networks.line_encoding import centering_phase
from TemporalReconLib.training.example_stream import ExampleStream, stacked
from TemporalReconLib.training.examples import Example, Sampling, random_example
from TemporalReconLib.training.stored_series import series_of_seed
from TemporalReconLib.training.unroll import SampledBatch
from training_runs import a_stream

MATRIX, STRIP, FRAMES, LINES = 64, 24, 5, 7
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def series():
    return series_of_seed(4, MATRIX, 3)


def an_example(series, seed: int, width: int = STRIP) -> Example:
    return random_example(np.random.default_rng(seed), series, Sampling(FRAMES, LINES, width))


def sampled_without_noise(*examples: Example) -> SampledBatch:
    batch = stacked(list(examples))
    return SampledBatch(Example(**{**batch.__dict__, "noise": torch.zeros_like(batch.noise)}))


def centred(lines: torch.Tensor) -> np.ndarray:
    """Lines (batch, coil, col, ky) of the batch as those of the centred transform, (batch, coil, ky, col)."""
    _, line_phase = centering_phase(lines.shape[-1], CPU)
    return (lines * line_phase.conj()).transpose(-1, -2).numpy()


def hybrid(images: np.ndarray) -> np.ndarray:
    """Centred k-space of whole images (coil, row, col), brought back along kx: (coil, ky, col)."""
    kspace = np.fft.ifftshift(image_to_kspace(images), axes=-1)
    return np.fft.fftshift(np.fft.ifft(kspace, axis=-1, norm="ortho"), axes=-1)


@pytest.mark.parametrize("seed", range(6))
def test_the_kspace_of_a_strip_is_that_of_the_whole_image_in_its_columns(series, seed):
    """A strip can be trained on because the readout is complete: columns never mix."""
    whole, strip = an_example(series, seed, MATRIX), an_example(series, seed)
    assert torch.equal(whole.mask, strip.mask)
    places = [
        first
        for first in range(MATRIX - STRIP + 1)
        if torch.allclose(whole.objects[..., first : first + STRIP], strip.objects)
    ]
    assert len(places) == 1
    columns = slice(places[0], places[0] + STRIP)
    batch = sampled_without_noise(strip)
    progress = batch.begin()
    for frame in range(FRAMES):
        known = batch.observe(frame, progress)
        expected = hybrid((whole.coil_maps * whole.objects[frame]).numpy())[:, :, columns]
        newest = whole.mask[frame].numpy()
        assert np.abs(centred(known.lines)[0][:, newest] - expected[:, newest]).max() < 1e-4 * np.abs(expected).max()
        target = (strip.sensitivities.conj() * strip.coil_maps * strip.objects[frame]).sum(dim=0)
        assert torch.allclose(batch.target(frame)[0], target, atol=1e-5)


def test_a_frame_brings_its_sampled_lines_and_leaves_the_others_as_old_as_they_are(series):
    examples = [an_example(series, 20), an_example(series, 21)]
    batch = sampled_without_noise(*examples)
    progress = batch.begin()
    age = progress.age.clone()
    assert set(age.unique().tolist()) <= {500, NEVER}
    for frame in range(FRAMES):
        before = progress.lines.clone()
        known = batch.observe(frame, progress)
        for number, example in enumerate(examples):
            mask = example.mask[frame]
            assert int(mask.sum()) == LINES
            assert sorted(known.line_index[number].tolist()) == mask.nonzero()[:, 0].tolist()
            assert torch.equal(known.lines[number][..., ~mask], before[number][..., ~mask])
            expected = torch.where(mask, 0, torch.where(age[number] < NEVER, age[number] + 1, NEVER))
            assert torch.equal(known.age[number], expected)
        age = known.age.clone()


def test_noise_has_the_level_that_the_network_is_told_about(series):
    """The difference of a noisy and a noise-free batch is noise of the stated standard deviation."""
    example = an_example(series, 3, MATRIX)
    noisy, clean = SampledBatch(stacked([example])), sampled_without_noise(example)
    spread = []
    for batch_frame in range(FRAMES):
        first = noisy.observe(batch_frame, noisy.begin())
        second = clean.observe(batch_frame, clean.begin())
        mask = example.mask[batch_frame]
        spread.append(torch.view_as_real((first.lines - second.lines)[0][..., mask]).flatten())
    assert float(torch.cat(spread).std()) == pytest.approx(float(example.noise), rel=0.05)
    assert float(first.noise) == pytest.approx(float(example.noise), rel=1.0)


def test_padded_coils_receive_nothing_not_even_noise(series):
    single = series_of_seed(5, MATRIX, 1)
    batch = SampledBatch(stacked([an_example(series, 1), an_example(single, 1)]))
    known = batch.observe(0, batch.begin())
    assert known.lines.shape[1] == 3
    assert known.lines[1, 1:].abs().max() == 0 and known.lines[1, 0].abs().max() > 0


def test_without_an_instrument_no_pixel_weighs_more(series):
    bare = type(series)(series.objects, series.planning, series.coil_maps, (None,) * len(series.instruments))
    maps = an_example(bare, 2).maps
    assert torch.equal(maps[:, 2], torch.ones_like(maps[:, 2]))
    assert not maps[:, :2].any()


def test_the_same_seed_gives_the_same_stream_and_another_rank_or_start_another_one():
    def first_batch(**where: int) -> Example:
        return next(iter(ExampleStream(a_stream(), **where)))

    batch = first_batch()
    assert torch.equal(batch.objects, first_batch().objects)
    assert not torch.equal(batch.mask, first_batch(rank=1).mask)
    assert not torch.equal(batch.mask, first_batch(resumed_at=3).mask)
