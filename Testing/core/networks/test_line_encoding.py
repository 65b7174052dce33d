"""Encoding along the phase-encode axis: adjoints, gradients, the centred Fourier transform, and data consistency."""

import pytest
import torch
from TemporalReconLib.networks.line_encoding import LineEncoding, centering_phase
from TemporalReconLib.reconstruction.line_history import fft1c

CPU = torch.device("cpu")
COLUMNS = 5
# Even, divisible by two only once, and odd: the center lies differently in each.
SIZES = (8, 10, 9)


def random_complex(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.complex(*torch.randn((2, *shape), generator=generator, dtype=dtype))


def unit_maps(n_slices, n_coils, n_rows, dtype=torch.float64):
    """Sensitivities (batch, coil, col, row) of unit root sum of squares."""
    maps = random_complex(n_slices, n_coils, COLUMNS, n_rows, seed=7, dtype=dtype)
    return maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True)


def an_encoding(n_rows=10, n_coils=3, counts=(4, 2), dtype=torch.float64):
    """Slices with ``counts`` sampled lines; the others of the longest are padding."""
    generator = torch.Generator().manual_seed(3)
    index = torch.stack([torch.randperm(n_rows, generator=generator)[: max(counts)] for _ in counts])
    is_sampled = torch.arange(max(counts)) < torch.tensor(counts)[:, None]
    return LineEncoding(unit_maps(len(counts), n_coils, n_rows, dtype), index, is_sampled)


def made_consistent(encoding, image, samples, damping, iterations):
    return encoding.consistent(image, samples - encoding.sampled(image), damping, iterations)


def operator_pairs(encoding):
    """(A, A^H, shape of what A takes, shape of what it gives)."""
    n_slices, n_coils, n_columns, n_rows = encoding.sensitivities.shape
    image, coils = (n_slices, n_rows, n_columns), (n_slices, n_coils, n_columns)
    return {
        "whole": (encoding.whole, encoding.whole_adjoint, image, (*coils, n_rows)),
        "sampled": (encoding.sampled, encoding.sampled_adjoint, image, (*coils, encoding.line_index.shape[1])),
    }


@pytest.mark.parametrize("n_rows", SIZES)
@pytest.mark.parametrize("pair", ["whole", "sampled"])
def test_each_operator_has_its_adjoint(pair, n_rows):
    forward, adjoint, domain, image = operator_pairs(an_encoding(n_rows))[pair]
    x, y = random_complex(*domain), random_complex(*image, seed=1)
    torch.testing.assert_close(
        torch.vdot(forward(x).flatten(), y.flatten()), torch.vdot(x.flatten(), adjoint(y).flatten())
    )


@pytest.mark.parametrize("pair", ["whole", "sampled"])
def test_the_gradients_are_those_of_finite_differences(pair):
    forward, adjoint, domain, image = operator_pairs(an_encoding(6, n_coils=2, counts=(3, 1)))[pair]
    assert torch.autograd.gradcheck(forward, random_complex(*domain).requires_grad_())
    assert torch.autograd.gradcheck(adjoint, random_complex(*image, seed=1).requires_grad_())


def test_the_gradients_of_data_consistency_are_those_of_finite_differences():
    encoding = an_encoding(6, n_coils=2, counts=(3, 2))
    samples = encoding.sampled(random_complex(2, 6, COLUMNS, seed=1)) + 0.1
    damping = torch.tensor([0.1, 0.4], dtype=torch.float64)

    def consistent(image, samples, damping):
        return made_consistent(encoding, image, samples, damping, 2)

    inputs = random_complex(2, 6, COLUMNS), samples, damping
    assert torch.autograd.gradcheck(consistent, tuple(tensor.requires_grad_() for tensor in inputs))


@pytest.mark.parametrize("n_rows", SIZES)
def test_the_centering_factors_turn_it_into_the_centred_fourier_transform(n_rows):
    encoding = an_encoding(n_rows, dtype=torch.float32)
    rows, lines = centering_phase(n_rows, CPU)
    maps = encoding.sensitivities
    shifted = LineEncoding(maps * rows, encoding.line_index, encoding.is_sampled)
    image = random_complex(2, n_rows, COLUMNS, dtype=torch.float32)
    # The centred transform of the data model works on (..., ky, col).
    centred = fft1c(maps.transpose(-1, -2) * image[:, None], dim=-2) * lines[:, None]
    torch.testing.assert_close(shifted.whole(image), centred.transpose(-1, -2), atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(shifted.sampled(image), shifted.chosen(shifted.whole(image)), atol=2e-6, rtol=1e-5)


def test_few_lines_are_those_of_the_whole_transform():
    encoding = an_encoding()
    whole = encoding.whole(random_complex(2, 10, COLUMNS))
    sampled = encoding.sampled(random_complex(2, 10, COLUMNS))
    for index, (lines, count) in enumerate(zip(encoding.line_index, (4, 2), strict=True)):
        torch.testing.assert_close(sampled[index, ..., :count], whole[index][..., lines[:count]])


def test_padded_lines_are_zero_and_contribute_nothing():
    encoding = an_encoding(counts=(4, 1))
    image, samples = random_complex(2, 10, COLUMNS), random_complex(2, 3, COLUMNS, 4, seed=1)
    padding = ~encoding.is_sampled[:, None, None].expand_as(samples)
    assert (encoding.sampled(image)[padding] == 0).all()
    assert (encoding.chosen(encoding.whole(image))[padding] == 0).all()
    other = torch.where(padding, 1e6, samples)
    torch.testing.assert_close(encoding.sampled_adjoint(other), encoding.sampled_adjoint(samples), rtol=0, atol=0)


def test_a_slice_without_lines_is_left_as_it_is():
    encoding = an_encoding(counts=(4, 0))
    image = random_complex(2, 10, COLUMNS)
    samples = encoding.sampled(random_complex(2, 10, COLUMNS, seed=1))
    result = made_consistent(encoding, image, samples, torch.zeros(2, dtype=torch.float64), 3)
    torch.testing.assert_close(result[1], image[1], rtol=0, atol=0)
    assert encoding.acceleration.tolist() == [2.5, 10.0]
    nothing = an_encoding(counts=(0, 0))
    assert (nothing.sampled_adjoint(nothing.sampled(image)) == 0).all()


def test_one_coil_is_consistent_after_one_iteration():
    encoding = an_encoding(n_coils=1, counts=(4, 2))
    truth, image = random_complex(2, 10, COLUMNS, seed=1), random_complex(2, 10, COLUMNS)
    result = made_consistent(encoding, image, encoding.sampled(truth), torch.zeros(2, dtype=torch.float64), 1)
    torch.testing.assert_close(encoding.sampled(result), encoding.sampled(truth))
    # What was not sampled stays as it was.
    unsampled = torch.ones(2, 10, dtype=torch.bool).scatter(1, encoding.line_index, ~encoding.is_sampled)
    where = unsampled[:, None, None].expand(2, 1, COLUMNS, 10)
    torch.testing.assert_close(encoding.whole(result)[where], encoding.whole(image)[where])


def test_noise_keeps_one_coil_between_the_image_and_the_samples():
    encoding = an_encoding(n_coils=1)
    truth, image = random_complex(2, 10, COLUMNS, seed=1), random_complex(2, 10, COLUMNS)
    damping = torch.tensor([0.25, 3.0], dtype=torch.float64)
    result = made_consistent(encoding, image, encoding.sampled(truth), damping, 1)
    share = 1 / (1 + damping)[:, None, None, None]
    expected = encoding.sampled(image) + share * encoding.sampled(truth - image)
    torch.testing.assert_close(encoding.sampled(result), expected)


def test_several_coils_converge_to_the_nearest_image_that_explains_the_samples():
    """Against the dense solution image + A^H (A A^H + damping)^-1 (y - A image) of every column."""
    n_rows, n_coils = 12, 3
    encoding = an_encoding(n_rows, n_coils, counts=(3, 3))
    truth, image = random_complex(2, n_rows, COLUMNS, seed=1), random_complex(2, n_rows, COLUMNS)
    samples, damping = encoding.sampled(truth), torch.tensor([0.0, 0.3], dtype=torch.float64)
    basis = torch.eye(n_rows, dtype=torch.complex128)[None, :, :, None].expand(2, -1, -1, COLUMNS)
    columns = [encoding.sampled(basis[:, row]) for row in range(n_rows)]
    dense = torch.stack(columns, dim=-1).permute(0, 2, 1, 3, 4).flatten(2, 3)  # (batch, col, coil x line, row)
    residual = (samples - encoding.sampled(image)).permute(0, 2, 1, 3).flatten(2, 3)
    normal = dense @ dense.mH + damping[:, None, None, None] * torch.eye(dense.shape[2])
    exact = image + (dense.mH @ torch.linalg.solve(normal, residual)[..., None])[..., 0].transpose(1, 2)
    distances = []
    for iterations in (1, 4, 16, 80):
        result = made_consistent(encoding, image, samples, damping, iterations)
        distances.append(float(torch.linalg.vector_norm(result - exact)))
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-6 * distances[0]
    torch.testing.assert_close(encoding.sampled(result)[0], samples[0], atol=1e-6, rtol=1e-6)
