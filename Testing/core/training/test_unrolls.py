"""Losses where the answer is known, and that training brings them down."""

import numpy as np
import pytest
import torch
from TemporalReconLib.networks.crnn_mri import CrnnMri, CrnnMriConfig, NontemporalCrnnMri
from TemporalReconLib.networks.temporal_network import TemporalNetwork, TemporalNetworkConfig, TemporalOutput
from TemporalReconLib.training.crnn_unroll import CrnnUnroll
from TemporalReconLib.training.example_stream import stacked
from TemporalReconLib.training.examples import Example, Sampling, random_example
from TemporalReconLib.training.stored_series import series_of_seed
from TemporalReconLib.training.unroll import SampledBatch, TemporalUnroll, error_likelihood, frame_loss

SMALL = CrnnMriConfig(n_iterations=2, n_filters=4)
FRAMES = 5


@pytest.fixture(scope="module")
def batch() -> Example:
    """Two examples of different anatomy."""
    generator = np.random.default_rng(0)
    sampling = Sampling(FRAMES, 8, 32)
    return stacked([random_example(generator, series_of_seed(seed, 32, 2), sampling) for seed in (1, 2)])


@pytest.mark.parametrize("network_type", [CrnnMri, NontemporalCrnnMri])
def test_with_all_lines_and_no_noise_every_crnn_is_perfect(batch, network_type):
    """Data consistency then gives the truth whatever the weights are: each frame meets its own samples and target."""
    perfect = {"mask": torch.ones_like(batch.mask), "noise": torch.zeros_like(batch.noise)}
    sampled = SampledBatch(Example(**{**batch.__dict__, **perfect, "sensitivities": _unit(batch.coil_maps)}))
    objects = _unit_root(batch.coil_maps)[:, None] * batch.objects
    assert torch.allclose(sampled.target(3), objects[:, 3], atol=1e-5)
    torch.manual_seed(0)
    unroll = CrnnUnroll(network_type(SMALL))
    with torch.no_grad():
        assert float(unroll(sampled, sampled.begin(), range(FRAMES))) < 1e-4
    assert unroll.validate(unroll.network, sampled).psnr > 80.0


def _unit_root(maps: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(maps, dim=1)


def _unit(maps: torch.Tensor) -> torch.Tensor:
    return maps / _unit_root(maps)[:, None]


SMALL_UNROLLS = {
    "temporal": lambda: TemporalUnroll(TemporalNetwork(TemporalNetworkConfig(widths=(8, 8, 8)))),
    "bcrnn": lambda: CrnnUnroll(CrnnMri(SMALL)),
    "nontemporal": lambda: CrnnUnroll(NontemporalCrnnMri(SMALL)),
}


@pytest.mark.parametrize("method", SMALL_UNROLLS)
def test_training_lowers_the_loss_on_a_batch(batch, method):
    torch.manual_seed(0)
    unroll = SMALL_UNROLLS[method]()
    assert unroll.method == method
    optimizer = torch.optim.AdamW(unroll.parameters(), lr=3e-3)
    sampled = SampledBatch(batch)

    def loss() -> torch.Tensor:
        torch.manual_seed(1)  # the same noise each time
        result: torch.Tensor = unroll(sampled, sampled.begin(), range(FRAMES))
        return result

    before = float(loss().detach())
    for _ in range(8):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    after = float(loss().detach())
    assert after < before - 0.01 * abs(before)
    assert all(parameter.grad is not None for parameter in unroll.parameters())


def test_a_picture_that_waits_costs_more_than_one_that_errs_as_much_where_nothing_happened():
    """A needle has come: one picture does not show it yet, the other does and has the same void in another place."""
    tissue = torch.ones(1, 32, 32, dtype=torch.complex64)
    target, elsewhere = tissue.clone(), tissue.clone()
    target[:, 4:20, 10:12] = 0.0
    elsewhere[:, 4:20, 22:24] = 0.0
    maps = torch.stack([torch.zeros(1, 32, 32), torch.zeros(1, 32, 32), torch.ones(1, 32, 32)], dim=1)

    def loss(image: torch.Tensor, previous: torch.Tensor | None) -> float:
        flat = torch.zeros(1, 1, 32, 32)
        output = TemporalOutput(image, flat, flat, torch.zeros(1, 3))
        return float(frame_loss(output, torch.zeros(1, 2, 32, 32), target, maps, previous))

    waiting, erring = tissue, target * elsewhere
    assert loss(waiting, None) == pytest.approx(loss(erring, None), rel=1e-5)
    assert loss(waiting, tissue) > loss(erring, tissue) + 1.0
    # What the previous image shows and should not is missing as well: a needle that was drawn back.
    assert loss(erring, elsewhere) > loss(waiting, tissue * target)


def test_the_expected_error_counts_what_wrong_sensitivities_shade(batch):
    """An image without any error of reconstruction, whose coils are taken for each other in one half."""
    mistaken = batch.coil_maps.clone()
    mistaken[:, :, :16] = batch.coil_maps.flip(1)[:, :, :16]
    sampled = SampledBatch(Example(**{**batch.__dict__, "sensitivities": _unit(mistaken)}))
    image, truth = sampled.target(2), _unit_root(batch.coil_maps) * batch.objects[:, 2].abs()
    assert torch.allclose(sampled.true_magnitude(2), truth, atol=1e-5)
    error = (image.abs() - truth).abs()
    assert error[:, :16].mean() > 0.1 * truth.mean() and error[:, 16:].max() < 1e-4

    def likelihood(in_mistaken_half: float, elsewhere: float = 0.01) -> float:
        expected = torch.full_like(error, elsewhere)
        expected[:, :16] = in_mistaken_half
        output = TemporalOutput(image, torch.log(expected)[:, None], image.real, torch.zeros(2, 3))
        return float(error_likelihood(output, sampled.true_magnitude(2)))

    shaded, everywhere = float(error[:, :16].mean()), float(error.mean())
    assert likelihood(shaded) < likelihood(everywhere, everywhere) - 0.5
    assert likelihood(shaded) < min(likelihood(2.0 * shaded), likelihood(0.5 * shaded))
