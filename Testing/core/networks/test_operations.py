"""Operation counts against counts by hand."""

import pytest
import torch
from TemporalReconLib.networks.crnn_mri import CrnnMri, NontemporalCrnnMri
from TemporalReconLib.networks.line_encoding import LineEncoding
from TemporalReconLib.networks.operations import count_gmac


def test_a_convolution_costs_kernel_times_channels_for_every_pixel():
    convolution = torch.nn.Conv2d(3, 5, 3, padding=1)
    count = count_gmac(lambda: convolution(torch.zeros(2, 3, 10, 20)))
    assert count == pytest.approx(9 * 3 * 5 * 2 * 10 * 20 / 1e9)


@pytest.mark.parametrize(("dtype", "factor"), [(torch.float32, 1), (torch.complex64, 4)])
def test_a_complex_product_costs_four_real_ones(dtype, factor):
    first, second = torch.zeros(6, 4, 3, dtype=dtype), torch.zeros(6, 3, 5, dtype=dtype)
    assert count_gmac(lambda: first @ second) == pytest.approx(factor * 6 * 4 * 3 * 5 / 1e9)
    assert count_gmac(lambda: first[0] @ second[0]) == pytest.approx(factor * 4 * 3 * 5 / 1e9)


@pytest.mark.parametrize(
    ("network_type", "hidden_convolutions"),
    [
        # In time: input, its own past, and two directions but for their first frames; then three layers of two each.
        # The zeros before the first iteration cost nothing.
        (CrnnMri, 5 * (5 * 3 + 2 * 4) + 4 * 5 * 4),
        (NontemporalCrnnMri, 5 * (5 * 3) + 4 * 5 * 4),
    ],
)
def test_the_published_network_costs_what_its_convolutions_cost(network_type, hidden_convolutions):
    rows, columns, lines, frames, iterations = 16, 8, 4, 5, 5
    encoding = LineEncoding(
        torch.ones(frames, 1, columns, rows, dtype=torch.complex64),
        torch.arange(lines).expand(frames, -1),
        torch.ones(frames, lines, dtype=torch.bool),
    )
    samples = torch.zeros(frames, 1, columns, lines, dtype=torch.complex64)
    images = torch.zeros(1, frames, rows, columns, dtype=torch.complex64)
    with torch.inference_mode():
        count = count_gmac(lambda: network_type()(images, encoding, samples))
    hidden = 9 * 64 * 64 * hidden_convolutions
    outer = iterations * frames * 2 * (9 * 2 * 64)
    consistency = iterations * frames * 2 * 4 * lines
    assert count == pytest.approx(rows * columns * (hidden + outer + consistency) / 1e9)
