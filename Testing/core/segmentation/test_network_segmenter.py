"""The segmenter around the network: any picture in, a mask of its geometry out, and nothing where nothing is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from InstrumentTrackerLib.networks.instrument_network import InstrumentNetwork, InstrumentNetworkConfig
from InstrumentTrackerLib.segmentation import network_segmenter
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD, NetworkSegmenter
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.weights.bundle import save_weights
from TemporalReconLib.weights.model_card import ModelCard

CPU = torch.device("cpu")
CONFIG = InstrumentNetworkConfig(widths=(8, 8, 8))
# Coronal: columns to the left, rows to the feet.
CORONAL = np.array([[-1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])


def save(folder, network, config=None):
    stated = network.config.as_json() if config is None else config
    save_weights(folder, network, METHOD, "InstrumentNetwork", stated, {}, {}, ModelCard("Tests.", "Untrained."))
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    return save(tmp_path_factory.mktemp("model") / "model", InstrumentNetwork(CONFIG).eval())


@pytest.fixture(scope="module")
def segmenter(weights):
    return NetworkSegmenter(CPU, weights)


def picture(shape, spacing=(1.1, 1.1, 3.0), seed=0, directions=CORONAL):
    geometry = directions @ np.diag([*spacing, 1.0])
    data = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return ImageFrame(data, geometry, index=5)


SHAPES = {
    "one slice": ((1, 256, 256), (1.1, 1.1, 3.0)),
    "sixty slices": ((60, 48, 48), (2.0, 2.0, 3.0)),
    "small": ((3, 64, 64), (4.4, 4.4, 3.0)),
    "large": ((2, 512, 512), (0.55, 0.55, 3.0)),
    "anisotropic": ((2, 100, 320), (0.9, 2.2, 5.0)),
    "a strip": ((1, 1, 40), (1.0, 1.0, 1.0)),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_the_mask_has_the_geometry_of_the_image_and_probabilities_are_probabilities(segmenter, kind):
    image = picture(*SHAPES[kind])
    mask = segmenter.segment(image)
    assert mask.labels.shape == image.data.shape and mask.index == 5
    assert np.array_equal(mask.ijk_to_ras, image.ijk_to_ras)
    assert mask.probabilities.dtype == np.float32
    assert np.isfinite(mask.probabilities).all()
    assert mask.probabilities.min() >= 0 and mask.probabilities.sum(axis=0).max() <= 1.001


def test_each_pixel_has_its_likeliest_label(segmenter):
    mask = segmenter.segment(picture((2, 128, 128)))
    guide, needle = mask.probabilities
    likeliest = np.stack([1 - guide - needle, guide, needle]).argmax(axis=0)
    assert set(np.unique(likeliest)) == {0, 1, 2}, "an untrained network says everything somewhere"
    assert (mask.labels == likeliest).mean() > 0.999


@pytest.mark.parametrize("value", [0.0, 3.5, -2.0])
def test_a_constant_picture_holds_no_instrument(segmenter, value):
    mask = segmenter.segment(ImageFrame(np.full((3, 64, 64), value, dtype=np.float32), CORONAL))
    assert mask.is_empty


def test_intensities_may_have_any_scale_and_be_negative(segmenter):
    image = picture((2, 128, 128))
    shifted = ImageFrame(1e4 * image.data - np.float32(3e3), image.ijk_to_ras)
    first, second = segmenter.segment(image), segmenter.segment(shifted)
    assert first.probabilities == pytest.approx(second.probabilities, abs=0.05)


def test_a_turned_image_of_the_same_patient_gives_the_turned_mask(segmenter):
    image = picture((2, 128, 192))
    # Columns and rows change places; the same pixels keep their places in the patient.
    exchanged = image.ijk_to_ras[:, [1, 0, 2, 3]]
    turned = ImageFrame(np.ascontiguousarray(image.data[:, :, ::-1].transpose(0, 2, 1)), exchanged.copy())
    geometry = exchanged.copy()
    geometry[:, 1] *= -1
    geometry[:, 3] += exchanged[:, 1] * (image.data.shape[2] - 1)
    turned = ImageFrame(turned.data, geometry)
    expected = segmenter.segment(image).probabilities[..., ::-1].transpose(0, 1, 3, 2)
    assert segmenter.segment(turned).probabilities == pytest.approx(expected, abs=0.02)


def test_slices_are_labelled_alike_however_many_go_through_at_once(segmenter, monkeypatch):
    image = picture((5, 64, 64))
    together = segmenter.segment(image).probabilities
    monkeypatch.setattr(network_segmenter, "_PIXELS_AT_ONCE", 1)
    assert segmenter.segment(image).probabilities == pytest.approx(together, abs=0.02)


def test_only_the_neighboring_slices_are_seen(segmenter):
    image = picture((5, 64, 64))
    changed = image.data.copy()
    changed[4] = changed[4, ::-1]
    before, after = (segmenter.segment(ImageFrame(data, image.ijk_to_ras)) for data in (image.data, changed))
    assert np.array_equal(before.probabilities[:, :3], after.probabilities[:, :3])
    assert not np.array_equal(before.probabilities[:, 3], after.probabilities[:, 3])


def test_weights_of_another_method_are_refused(tmp_path):
    network = InstrumentNetwork(CONFIG)
    save_weights(tmp_path / "m", network, "temporal", "X", CONFIG.as_json(), {}, {}, ModelCard("Tests.", "None."))
    with pytest.raises(InputError, match="made for method 'temporal'"):
        NetworkSegmenter(CPU, tmp_path / "m")


@pytest.mark.parametrize(
    "config", [{}, {"widths": 3, "n_slices": 3}, {"widths": [8], "n_slices": 3}, {"widths": [8, 8], "n_slices": 2}]
)
def test_a_configuration_that_builds_no_network_is_refused(tmp_path, config):
    save(tmp_path / "m", InstrumentNetwork(CONFIG), config)
    with pytest.raises(InputError, match="expected widths and n_slices"):
        NetworkSegmenter(CPU, tmp_path / "m")
