"""A user's MONAI bundle segments as its network does; what would run code is refused and did not run."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from InstrumentTrackerLib.segmentation.bundle_segmenter import BundleSegmenter
from segmenter_samples import NETWORK, Vandal, a_frame, a_unet, write_bundle
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError

CPU = torch.device("cpu")
NORMALIZE = {"_target_": "NormalizeIntensityd", "keys": "image", "channel_wise": True}
SOFTMAX = {"_target_": "Compose", "transforms": [{"_target_": "Activationsd", "keys": "pred", "softmax": True}]}
SIGMOID = {"_target_": "Compose", "transforms": [{"_target_": "Activationsd", "keys": "pred", "sigmoid": True}]}
FULL_3D = {**NETWORK, "spatial_dims": 3}


def preprocessing(*steps):
    loads = [{"_target_": "LoadImaged", "keys": "@image_key"}, {"_target_": "EnsureChannelFirstd", "keys": "image"}]
    return {"preprocessing": {"_target_": "Compose", "transforms": [*loads, *steps]}}


def three_dimensional(*steps):
    return {"network_def": {"_target_": "monai.networks.nets.BasicUNet", **FULL_3D}, **preprocessing(*steps)}


def by_hand(network, image: np.ndarray) -> np.ndarray:
    """Softmax (class, slice, row, col) of a 2D network, slice by slice, on i, j arrays."""
    with torch.inference_mode():
        batch = torch.from_numpy(image.transpose(0, 2, 1)[:, None].copy())
        return torch.softmax(network(batch), 1).permute(1, 0, 3, 2).numpy()


def test_a_bundle_gives_what_its_network_gives(tmp_path):
    frame, network = a_frame((2, 64, 32)), a_unet()
    config = {**preprocessing(NORMALIZE), "postprocessing": SOFTMAX}
    mask = BundleSegmenter(write_bundle(tmp_path, network, config), CPU).segment(frame)

    expected = by_hand(network, (frame.data - frame.data.mean()) / frame.data.std())
    np.testing.assert_allclose(mask.probabilities, expected[1:], atol=1e-3)
    clear = np.ptp(np.sort(expected, 0)[1:], axis=0) > 1e-3
    np.testing.assert_array_equal(mask.labels[clear], expected.argmax(0)[clear])
    assert (mask.index, mask.labels.shape) == (7, (2, 64, 32))
    assert len(np.unique(mask.labels)) > 1


def test_without_a_stated_scaling_brightness_does_not_matter(tmp_path):
    frame, network = a_frame((1, 64, 32)), a_unet()
    segmenter = BundleSegmenter(write_bundle(tmp_path, network), CPU)
    mask = segmenter.segment(frame)
    brighter = segmenter.segment(ImageFrame(frame.data * 1000, frame.ijk_to_ras))
    np.testing.assert_allclose(mask.probabilities, brighter.probabilities, atol=1e-4)
    expected = by_hand(network, frame.data / np.percentile(frame.data, 99))
    np.testing.assert_allclose(mask.probabilities, expected[1:], atol=1e-3)


def test_sigmoid_channels_are_structures_of_their_own(tmp_path):
    network, frame = a_unet(out_channels=2), a_frame((1, 64, 32))
    config = {
        "network_def": {"_target_": "BasicUNet", **NETWORK, "out_channels": 2},
        **preprocessing(NORMALIZE),
        "postprocessing": SIGMOID,
    }
    bundle = write_bundle(tmp_path, network, config, channels={"0": "Needle", "1": "Guide"})
    mask = BundleSegmenter(bundle, CPU).segment(frame)
    scaled = (frame.data - frame.data.mean()) / frame.data.std()
    with torch.inference_mode():
        likely = torch.sigmoid(network(torch.from_numpy(scaled.transpose(0, 2, 1)[None].copy())))[0].numpy()
    np.testing.assert_allclose(mask.probabilities[:, 0], likely[::-1].transpose(0, 2, 1), atol=1e-3)
    needle, guide = likely.transpose(0, 2, 1)
    clear = (np.abs(likely - 0.5) > 1e-3).all(0).T
    expected = np.where(needle > 0.5, 2, np.where(guide > 0.5, 1, 0))
    np.testing.assert_array_equal(mask.labels[0][clear], expected[clear])
    assert ((needle > 0.5) & (guide > 0.5)).any(), "the needle is to win where both are likely"


def test_the_same_anatomy_acquired_along_other_axes_gives_the_same_mask(tmp_path):
    """The bundle asks for RAS: a stack of turned and flipped axes is turned back before, and its mask after."""
    frame = a_frame((8, 32, 32), spacing=(2.0, 2.0, 2.0))
    config = three_dimensional(NORMALIZE, {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"})
    segmenter = BundleSegmenter(write_bundle(tmp_path, a_unet(spatial_dims=3), config), CPU)
    straight = segmenter.segment(frame)

    # Rows run along R, columns along -A, slices along S.
    turned = frame.data.transpose(0, 2, 1)[:, :, ::-1]
    ijk_to_ras = np.array([[0.0, 2, 0, 0], [-2, 0, 0, 62], [0, 0, 2, 0], [0, 0, 0, 1]])
    mask = segmenter.segment(ImageFrame(np.ascontiguousarray(turned), ijk_to_ras))
    np.testing.assert_allclose(mask.probabilities, straight.probabilities.transpose(0, 1, 3, 2)[..., ::-1], atol=1e-5)


def test_a_finer_image_is_brought_to_the_spacing_of_the_bundle(tmp_path):
    config = three_dimensional(NORMALIZE, {"_target_": "Spacingd", "keys": "image", "pixdim": [2.0, 2.0, 3.0]})
    segmenter = BundleSegmenter(write_bundle(tmp_path, a_unet(spatial_dims=3), config), CPU)
    coarse = a_frame((4, 33, 33), spacing=(2.0, 2.0, 3.0))
    volume = torch.from_numpy(coarse.data)[None, None]
    fine = torch.nn.functional.interpolate(volume, size=(4, 65, 65), mode="trilinear", align_corners=True)[0, 0]
    mask = segmenter.segment(ImageFrame(fine.numpy(), np.diag([1.0, 1.0, 3.0, 1.0])))
    assert mask.labels.shape == (4, 65, 65)
    np.testing.assert_allclose(mask.probabilities[..., ::2, ::2], segmenter.segment(coarse).probabilities, atol=1e-4)


def test_a_window_smaller_than_the_image_covers_all_of_it(tmp_path):
    config = {**preprocessing(NORMALIZE), "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [32, 32]}}
    mask = BundleSegmenter(write_bundle(tmp_path, a_unet(), config), CPU).segment(a_frame((1, 70, 50)))
    total = mask.probabilities.sum(0)
    assert mask.labels.shape == (1, 70, 50)
    assert np.all((total > 0) & (total < 1))


def test_a_constant_image_has_no_instrument(tmp_path):
    segmenter = BundleSegmenter(write_bundle(tmp_path, a_unet()), CPU)
    assert segmenter.segment(ImageFrame(np.full((1, 32, 32), 3, np.float32), np.eye(4))).is_empty


def test_weights_that_would_run_code_are_refused_and_did_not_run(tmp_path):
    bundle, trace = write_bundle(tmp_path / "bundle", a_unet()), tmp_path / "was-here"
    torch.save({"state_dict": {"extra": Vandal(trace)}}, bundle / "models/model.pt")
    with pytest.raises(InputError, match=r"model\.pt: refused, loading it would run code"):
        BundleSegmenter(bundle, CPU)
    assert not trace.exists()


def code(trace):
    return f"$__import__('os').mkdir({str(trace)!r})"


UNSAFE = {
    "a network by expression": lambda trace: {"network_def": code(trace)},
    "an argument by expression": lambda trace: {"network_def": {"_target_": "BasicUNet", "dropout": code(trace)}},
    "an argument by object": lambda trace: {
        "network_def": {"_target_": "UNet", "act": {"_target_": "os.mkdir", "path": str(trace)}}
    },
    "a call as network": lambda trace: {"network_def": {"_target_": "os.mkdir", "path": str(trace)}},
    "a network that fetches weights": lambda trace: {
        "network_def": {"_target_": "HoVerNet", "pretrained_url": "https://example.org"}
    },
    "preprocessing by expression": lambda trace: {"preprocessing": code(trace)},
    "a scaling by expression": lambda trace: preprocessing({"_target_": "ScaleIntensityd", "minv": code(trace)}),
    "a transform of its own": lambda trace: preprocessing({"_target_": "Lambdad", "func": code(trace)}),
    "a window by expression": lambda trace: {"inferer": {"_target_": "SlidingWindowInferer", "roi_size": code(trace)}},
    "a disabling by expression": lambda trace: {"network_def": {"_target_": "BasicUNet", "_disabled_": code(trace)}},
}


@pytest.mark.parametrize("unsafe", UNSAFE.values(), ids=UNSAFE)
def test_a_configuration_that_is_a_program_is_refused_and_did_not_run(tmp_path, unsafe):
    trace = tmp_path / "was-here"
    bundle = write_bundle(tmp_path / "bundle", a_unet(), unsafe(trace))
    with pytest.raises(InputError, match=r"inference\.json: "):
        BundleSegmenter(bundle, CPU)
    assert not trace.exists()


BAD = {
    "turning after resampling": (
        three_dimensional(
            {"_target_": "Spacingd", "pixdim": [1, 1, 1]}, {"_target_": "Orientationd", "axcodes": "RAS"}
        ),
        "does Spacing, Orientation; supported: one Orientation, then one Spacing",
    ),
    "absurd pixels": (preprocessing({"_target_": "Spacingd", "pixdim": [1e-6, 1e-6]}), "spacings of 0.1 mm or more"),
    "an absurd network": ({"network_def": {"_target_": "BasicUNet", "features": [10**9] * 6}}, "is beyond 4096"),
    "a transform without what it needs": (preprocessing({"_target_": "ThresholdIntensityd"}), "ThresholdIntensity"),
    "several channels": ({"network_def": {"_target_": "BasicUNet", **NETWORK, "in_channels": 4}}, "takes 4 channels"),
    "other weights": ({"network_def": {"_target_": "BasicUNet", **NETWORK, "out_channels": 5}}, "do not fit BasicUNet"),
    "wrong arguments": ({"network_def": {"_target_": "BasicUNet", "color": "red"}}, "cannot build BasicUNet"),
}


@pytest.mark.parametrize(("config", "complaint"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path, config, complaint):
    with pytest.raises(InputError, match=re.escape(complaint)):
        BundleSegmenter(write_bundle(tmp_path, a_unet(), config), CPU)


@pytest.mark.parametrize("name", ["configs/inference.json", "configs/metadata.json", "models/model.pt"])
def test_a_missing_file_is_named(tmp_path, name):
    bundle = write_bundle(tmp_path, a_unet())
    (bundle / name).unlink()
    with pytest.raises(InputError, match=re.escape(name)):
        BundleSegmenter(bundle, CPU)


def test_channels_of_other_names_are_chosen_by_number(tmp_path):
    bundle = write_bundle(tmp_path, a_unet(), channels={"0": "background", "1": "trocar", "2": "cannula"})
    with pytest.raises(InputError, match=r"\?guide=1&needle=2; the model's labels: background = 0, trocar = 1"):
        BundleSegmenter(bundle, CPU)
    frame = a_frame((1, 64, 32))
    both = BundleSegmenter(bundle, CPU, {"guide": "2", "needle": "trocar"}).segment(frame)
    named = BundleSegmenter(write_bundle(tmp_path, a_unet()), CPU).segment(frame)
    np.testing.assert_array_equal(both.probabilities, named.probabilities[::-1])


def test_a_channel_that_the_network_does_not_give_is_refused_before_the_first_picture(tmp_path):
    bundle = write_bundle(tmp_path, a_unet(), channels={"0": "background", "1": "guide", "7": "needle"})
    with pytest.raises(InputError, match=r"channel 7 of channel_def, but BasicUNet gives 3 \(0 to 2\)"):
        BundleSegmenter(bundle, CPU)


def test_metadata_without_channel_names_are_refused(tmp_path):
    bundle = write_bundle(tmp_path, a_unet())
    (bundle / "configs/metadata.json").write_text(json.dumps({"network_data_format": {"outputs": {"pred": {}}}}))
    with pytest.raises(InputError, match=r"metadata\.json: 'channel_def' is None, expected an object"):
        BundleSegmenter(bundle, CPU)


def test_a_configuration_in_yaml_is_read_the_same_and_never_endless(tmp_path):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (pip install pyyaml)")
    bundle, frame = write_bundle(tmp_path, a_unet()), a_frame((1, 64, 32))
    expected = BundleSegmenter(bundle, CPU).segment(frame)
    as_json = bundle / "configs/inference.json"
    as_yaml = as_json.with_suffix(".yaml")
    as_yaml.write_text(yaml.safe_dump(json.loads(as_json.read_text())))
    as_json.unlink()
    np.testing.assert_array_equal(BundleSegmenter(bundle, CPU).segment(frame).labels, expected.labels)
    as_yaml.write_text("network_def: &a [*a]")
    with pytest.raises(InputError, match=r"inference\.yaml: cannot be understood \(it has aliases"):
        BundleSegmenter(bundle, CPU)
