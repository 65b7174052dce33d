"""CRNN-MRI against a plain transcription of the paper's equations and of its authors' parameter list."""

import pytest
import torch
from TemporalReconLib.errors import InputError
from TemporalReconLib.networks.crnn_mri import CrnnMri, CrnnMriConfig, NontemporalCrnnMri
from TemporalReconLib.networks.line_encoding import LineEncoding, centering_phase
from TemporalReconLib.reconstruction.line_history import fft1c, ifft1c
from torch.nn.functional import conv2d

ROWS, COLUMNS, FRAMES = 16, 12, 4
SMALL = CrnnMriConfig(n_iterations=2, n_filters=3)

# Written down from github.com/js3611/Deep-MRI-Reconstruction, cascadenet_pytorch/model_pytorch.py, CRNN_MRI().
AUTHORS_WEIGHTS = {
    "bcrnn.CRNN_model.i2h": (64, 2),
    "bcrnn.CRNN_model.h2h": (64, 64),
    "bcrnn.CRNN_model.ih2ih": (64, 64),
    "conv1_x": (64, 64),
    "conv1_h": (64, 64),
    "conv2_x": (64, 64),
    "conv2_h": (64, 64),
    "conv3_x": (64, 64),
    "conv3_h": (64, 64),
    "conv4_x": (2, 64),
}


def random_complex(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))


def random_masks(n_frames, seed=0):
    """Four lines in every frame, (frame, ky)."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.zeros(n_frames, ROWS, dtype=torch.bool)
    for mask in masks:
        mask[torch.randperm(ROWS, generator=generator)[:4]] = True
    return masks


def encoded(maps, masks, lines):
    """What the network takes: maps (frame, coil, row, col), masks (frame, ky), centred lines (frame, coil, ky, col)."""
    row_phase, line_phase = centering_phase(ROWS, torch.device("cpu"))
    index = torch.stack([mask.nonzero()[:, 0] for mask in masks])
    encoding = LineEncoding((maps.transpose(-1, -2) * row_phase).contiguous(), index, torch.ones_like(index).bool())
    shifted = (lines * line_phase[:, None]).transpose(-1, -2)
    return encoding, encoding.chosen(shifted)


def a_window(n_coils=1, n_frames=FRAMES, columns=COLUMNS, seed=0):
    """Frames of noise seen by coils of unit root sum of squares: encoding, samples, zero-filled images, and k-space."""
    maps = random_complex(n_frames, n_coils, ROWS, columns, seed=seed + 1)
    maps = torch.ones_like(maps) if n_coils == 1 else maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    masks = random_masks(n_frames, seed)
    truth = random_complex(n_frames, ROWS, columns, seed=seed + 2)
    lines = fft1c(maps * truth[:, None], dim=-2) * masks[:, None, :, None]
    encoding, samples = encoded(maps, masks, lines)
    return encoding, samples, encoding.sampled_adjoint(samples)[None], lines, masks


def a_network(network_type=CrnnMri, config=SMALL, seed=0):
    torch.manual_seed(seed)
    return network_type(config).eval()


def paper(state, images, lines, masks, n_iterations):
    """Qin et al., equations 5 to 7, frame by frame with explicit zeros and the published data consistency."""

    def conv(name, x):
        return conv2d(x[None], state[f"{name}.weight"], state[f"{name}.bias"], padding=1)[0]

    n_filters = state["conv1_x.weight"].shape[0]
    n_frames = len(images)
    zeros = torch.zeros(n_filters, *images.shape[1:])
    before = [[zeros] * n_frames for _ in range(4)]
    images = list(images)
    for _ in range(n_iterations):
        x = [torch.stack([image.real, image.imag]) for image in images]
        cell = "bcrnn.CRNN_model"

        def state_at(t, neighbor, x=x, before=before, cell=cell):
            return torch.relu(conv(f"{cell}.i2h", x[t]) + conv(f"{cell}.ih2ih", before[0][t]) + neighbor)

        there, back = {}, {}
        for t in range(n_frames):
            there[t] = state_at(t, conv(f"{cell}.h2h", there.get(t - 1, zeros)))
        for t in reversed(range(n_frames)):
            back[t] = state_at(t, conv(f"{cell}.h2h", back.get(t + 1, zeros)))
        after = [[there[t] + back[t] for t in range(n_frames)]]
        for layer in (1, 2, 3):
            after.append(
                [
                    torch.relu(conv(f"conv{layer}_x", after[-1][t]) + conv(f"conv{layer}_h", before[layer][t]))
                    for t in range(n_frames)
                ]
            )
        for t in range(n_frames):
            change = conv("conv4_x", after[-1][t])
            spectrum = fft1c(images[t] + torch.complex(change[0], change[1]), dim=-2)
            images[t] = ifft1c(torch.where(masks[t][:, None], lines[t, 0], spectrum), dim=-2)
        before = after
    return torch.stack(images)


@torch.inference_mode()
def test_with_one_coil_it_computes_what_the_paper_says():
    encoding, samples, images, lines, masks = a_window()
    network = a_network()
    expected = paper(network.state_dict(), images[0], lines, masks, SMALL.n_iterations)
    torch.testing.assert_close(network(images, encoding, samples)[0], expected, atol=2e-5, rtol=1e-4)


def test_parameters_have_the_names_shapes_and_number_of_the_authors_code():
    network = CrnnMri()
    expected = {f"{name}.weight": (*channels, 3, 3) for name, channels in AUTHORS_WEIGHTS.items()}
    expected |= {f"{name}.bias": channels[:1] for name, channels in AUTHORS_WEIGHTS.items()}
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == expected
    by_hand = (9 * 2 + 1) * 64 + 8 * (9 * 64 + 1) * 64 + (9 * 64 + 1) * 2
    assert sum(parameter.numel() for parameter in network.parameters()) == by_hand == 297_794


@torch.inference_mode()
def test_data_consistency_keeps_the_sampled_lines_of_one_coil():
    encoding, samples, images, _, _ = a_window()
    result = a_network()(images, encoding, samples)[0]
    torch.testing.assert_close(encoding.sampled(result), samples, atol=1e-5, rtol=1e-5)
    assert (result - images[0]).abs().max() > 0.1


@torch.inference_mode()
def test_fully_sampled_coils_determine_the_image():
    maps = random_complex(1, 3, ROWS, COLUMNS, seed=4)
    maps = maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    truth = random_complex(1, ROWS, COLUMNS, seed=5)
    everything = torch.ones(1, ROWS, dtype=torch.bool)
    encoding, samples = encoded(maps, everything, fft1c(maps * truth[:, None], dim=-2))
    result = a_network()(torch.zeros_like(truth)[None], encoding, samples)[0]
    torch.testing.assert_close(result, truth, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_windows_of_a_batch_do_not_mix():
    network = a_network()
    windows = [a_window(n_coils=2, seed=seed) for seed in (0, 10)]
    alone = [network(images, encoding, samples) for encoding, samples, images, _, _ in windows]
    both = LineEncoding(
        torch.cat([window[0].sensitivities for window in windows]),
        torch.cat([window[0].line_index for window in windows]),
        torch.cat([window[0].is_sampled for window in windows]),
    )
    together = network(torch.cat([window[2] for window in windows]), both, torch.cat([window[1] for window in windows]))
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(("network_type", "sees_others"), [(CrnnMri, True), (NontemporalCrnnMri, False)])
def test_only_the_temporal_network_sees_other_frames_in_both_directions(network_type, sees_others):
    encoding, samples, images, _, _ = a_window()
    network = a_network(network_type)
    result = network(images, encoding, samples)[0]
    changed = images.clone()
    changed[0, 1] += 0.5
    other = network(changed, encoding, samples)[0]
    differs = [not torch.equal(result[frame], other[frame]) for frame in range(FRAMES)]
    assert differs == [sees_others, True, sees_others, sees_others]


@torch.inference_mode()
def test_a_strip_of_columns_is_reconstructed_as_within_the_whole_image():
    """Away from its edges by what the convolutions reach: five in each iteration, and one per frame in between."""
    network = a_network(config=CrnnMriConfig(n_iterations=1, n_filters=3))
    encoding, samples, images, _, _ = a_window(n_coils=2, n_frames=2, columns=24)
    whole = network(images, encoding, samples)
    strip = slice(4, 20)
    part = LineEncoding(encoding.sensitivities[:, :, strip], encoding.line_index, encoding.is_sampled)
    result = network(images[..., strip], part, samples[:, :, strip])
    torch.testing.assert_close(result[..., 6:-6], whole[..., 10:14], atol=1e-5, rtol=1e-5)


def test_gradients_reach_every_parameter():
    encoding, samples, images, _, _ = a_window(n_coils=2)
    network = a_network().train()
    network(images, encoding, samples).abs().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("wrong", [{"n_iterations": 0}, {"n_filters": 10**6}, {"n_filters": 2.5}])
def test_impossible_sizes_are_refused_before_memory_is_taken(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}.*expected a whole number"):
        CrnnMriConfig(**wrong)
