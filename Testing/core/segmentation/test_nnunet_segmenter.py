"""A user's nnU-Net results folder segments as nnU-Net itself does; what would run code is refused and did not run."""

from __future__ import annotations

import copy
import json
import os
import re
import warnings

import numpy as np
import pytest
import torch
from InstrumentTrackerLib.segmentation import nnunet_segmenter
from InstrumentTrackerLib.segmentation.nnunet_checkpoint import read_checkpoint
from InstrumentTrackerLib.segmentation.nnunet_segmenter import NNUNetSegmenter
from InstrumentTrackerLib.segmentation.registry import make_segmenter
from segmenter_samples import Vandal, a_frame
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError

CPU = torch.device("cpu")
LABELS = {"background": 0, "guide": 1, "needle": 2}
RESAMPLING = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


@pytest.fixture
def nnunet():
    """nnU-Net itself; without it, what needs it is skipped."""
    reason = "nnU-Net is not installed (pip install nnunetv2)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("nnunetv2.inference.predict_from_raw_data", reason=reason)


def configuration(dims: int) -> dict:
    per_stage = [[3] * dims] * 2
    return {
        "data_identifier": f"nnUNetPlans_{dims}d",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [32] * 2 if dims == 2 else [4, 32, 32],
        "median_image_size_in_voxels": [32.0] * dims,
        "spacing": [1.25] * 2 if dims == 2 else [3.0, 1.25, 1.25],
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        **{f"resampling_fn_{what}": "resample_data_or_seg_to_shape" for what in ("data", "seg", "probabilities")},
        **{f"resampling_fn_{what}_kwargs": RESAMPLING for what in ("data", "probabilities")},
        "resampling_fn_seg_kwargs": {**RESAMPLING, "is_seg": True},
        "batch_dice": True,
        "architecture": {
            "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
            "arch_kwargs": {
                "n_stages": 2,
                "features_per_stage": [4, 6],
                "conv_op": f"torch.nn.modules.conv.Conv{dims}d",
                "kernel_sizes": per_stage,
                "strides": [[1] * dims, [2] * dims if dims == 2 else [1, 2, 2]],
                "n_conv_per_stage": [1, 1],
                "n_conv_per_stage_decoder": [1],
                "conv_bias": True,
                "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dims}d",
                "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
    }


PLANS = {
    "dataset_name": "Dataset001_Needle",
    "plans_name": "nnUNetPlans",
    "transpose_forward": [0, 1, 2],
    "transpose_backward": [0, 1, 2],
    "image_reader_writer": "SimpleITKIO",
    "label_manager": "LabelManager",
    "foreground_intensity_properties_per_channel": {"0": {"mean": 1.0, "std": 1.0}},
    "configurations": {"2d": configuration(2), "3d_fullres": configuration(3)},
}


def a_network(dims: int, seed: int, n_heads: int = 3) -> torch.nn.Module:
    from dynamic_network_architectures.architectures.unet import PlainConvUNet

    arguments = dict(configuration(dims)["architecture"]["arch_kwargs"])
    arguments |= {
        "conv_op": (torch.nn.Conv2d, torch.nn.Conv3d)[dims - 2],
        "norm_op": (torch.nn.InstanceNorm2d, torch.nn.InstanceNorm3d)[dims - 2],
        "nonlin": torch.nn.LeakyReLU,
    }
    torch.manual_seed(seed)
    return PlainConvUNet(input_channels=1, num_classes=n_heads, deep_supervision=True, **arguments)


def a_checkpoint(weights, name: str = "2d", trainer: str = "nnUNetTrainer") -> dict:
    """As nnU-Net's trainer saves it: the weights among an optimizer, curves of numpy scalars and its arguments."""
    return {
        "network_weights": weights,
        "optimizer_state": {"state": {}, "param_groups": [{"lr": 1e-2, "params": [0]}]},
        "grad_scaler_state": None,
        "logging": {"mean_fg_dice": [np.float64(0.5)], "train_losses": [np.float32(-0.25)], "lrs": [0.01]},
        "_best_ema": np.float64(0.75),
        "current_epoch": 1000,
        "init_args": {"plans": PLANS, "configuration": name, "fold": 0, "dataset_json": {}, "device": CPU},
        "trainer_name": trainer,
        "inference_allowed_mirroring_axes": (0, 1),
    }


def write_results(folder, checkpoints: dict, plans: dict | None = None, labels: dict | None = None, **dataset):
    folder.mkdir(parents=True, exist_ok=True)
    described = {"channel_names": {"0": "MRI"}, "labels": labels or LABELS, "file_ending": ".nii.gz", **dataset}
    (folder / "dataset.json").write_text(json.dumps(described), "utf-8")
    (folder / "plans.json").write_text(json.dumps(plans or PLANS), "utf-8")
    for fold, checkpoint in checkpoints.items():
        (folder / fold).mkdir(exist_ok=True)
        torch.save(checkpoint, folder / fold / "checkpoint_final.pth")
    return folder


def as_nnunet_predicts(folder, folds, frame: ImageFrame):
    """With its own, unrestricted, loading."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(device=CPU, allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(folder), folds)
    spacing = np.diag(frame.ijk_to_ras)[2::-1].tolist()
    return predictor.predict_single_npy_array(frame.data[None], {"spacing": spacing}, None, None, True)


@pytest.mark.parametrize(("dims", "name"), [(2, "2d"), (3, "3d_fullres")])
def test_a_results_folder_gives_what_nnunet_itself_predicts(nnunet, tmp_path, dims, name):
    frame = a_frame((4, 40, 44))
    folds = {f"fold_{fold}": a_checkpoint(a_network(dims, fold).state_dict(), name) for fold in (0, 3)}
    folder = write_results(tmp_path / "nnUNetTrainer__nnUNetPlans__2d", folds)
    mask = make_segmenter(f"nnunet:{folder}", "cpu").segment(frame)

    labels, classes = as_nnunet_predicts(folder, (0, 3), frame)
    np.testing.assert_array_equal(mask.labels, labels)
    np.testing.assert_allclose(mask.probabilities, classes[1:], atol=1e-6)
    assert set(np.unique(mask.labels)) > {0}
    assert mask.index == frame.index


def test_a_model_of_the_guide_alone_trained_on_everything_has_no_needle(nnunet, tmp_path):
    weights = a_network(2, 1, n_heads=2).state_dict()
    labels = {"background": 0, "guide": 1}
    folder = write_results(tmp_path, {"fold_all": a_checkpoint(weights)}, labels=labels)
    mask = NNUNetSegmenter(folder, CPU).segment(a_frame((1, 40, 44)))
    assert set(np.unique(mask.labels)) <= {0, 1}
    assert not mask.probabilities[1].any()
    assert mask.probabilities[0].any()


def test_a_model_of_regions_gives_the_labels_that_they_share(nnunet, tmp_path):
    frame, labels = a_frame((2, 40, 44)), {"background": 0, "instrument": [1, 2], "tip": 2}
    checkpoint = a_checkpoint(a_network(2, 1, n_heads=2).state_dict())
    folder = write_results(tmp_path, {"fold_0": checkpoint}, labels=labels, regions_class_order=[1, 2])
    mask = make_segmenter(f"nnunet:{folder}?guide=1&needle=tip", "cpu").segment(frame)
    np.testing.assert_array_equal(mask.labels, as_nnunet_predicts(folder, (0,), frame)[0])
    assert mask.probabilities is None
    assert mask.labels.any()


def test_an_empty_picture_has_no_instrument_and_nothing_is_printed(nnunet, tmp_path, capsys):
    folder = write_results(tmp_path, {"fold_0": a_checkpoint(a_network(2, 1).state_dict())})
    segmenter = NNUNetSegmenter(folder, CPU)
    assert segmenter.segment(ImageFrame(np.zeros((2, 40, 44), np.float32), np.eye(4))).is_empty
    segmenter.segment(a_frame((1, 8, 300)))
    assert capsys.readouterr().out == ""


def test_a_trainer_that_nnunet_does_not_bring_is_refused(nnunet, tmp_path):
    checkpoint = a_checkpoint(a_network(2, 1).state_dict(), trainer="nnUNetTrainerOfTheirs")
    with pytest.raises(InputError, match="trainer 'nnUNetTrainerOfTheirs' does not come with nnunetv2"):
        NNUNetSegmenter(write_results(tmp_path, {"fold_0": checkpoint}), CPU)


def test_a_trainer_with_a_network_of_its_own_is_refused(nnunet, tmp_path):
    checkpoint = a_checkpoint(a_network(2, 1).state_dict(), trainer="nnUNetTrainerBN")
    with pytest.raises(InputError, match="trainer 'nnUNetTrainerBN' builds a network of its own"):
        NNUNetSegmenter(write_results(tmp_path, {"fold_0": checkpoint}), CPU)


def test_a_trainer_that_only_trains_differently_is_taken(nnunet, tmp_path):
    checkpoint = a_checkpoint(a_network(2, 1).state_dict(), trainer="nnUNetTrainer_250epochs_NoMirroring")
    folder = write_results(tmp_path, {"fold_0": checkpoint})
    assert NNUNetSegmenter(folder, CPU).segment(a_frame((1, 40, 44))).probabilities is not None


def changed(entry: str, value, *, architecture: bool = False) -> dict:
    plans = copy.deepcopy(PLANS)
    place = plans["configurations"]["2d"]
    (place["architecture"] if architecture else place)[entry] = value
    return plans


UNSAFE_PLANS = {
    "a call as network": changed("network_class_name", "subprocess.Popen", architecture=True),
    "a call in a module that torch imports": changed(
        "network_class_name", "torch.nn.modules.module.functools.partial", architecture=True
    ),
    "a layer that is none": changed("arch_kwargs", {"conv_op": "os.system", "n_stages": 2}, architecture=True),
    "a preprocessor that is none": changed("preprocessor_name", "Pool"),
    "a normalization that is none": changed("normalization_schemes", ["Type"]),
    "a resampling that is none": changed("resampling_fn_data", "partial"),
    "an absurd network": changed(
        "arch_kwargs", {**configuration(2)["architecture"]["arch_kwargs"], "n_stages": 10**9}, architecture=True
    ),
}


@pytest.mark.parametrize("plans", UNSAFE_PLANS.values(), ids=UNSAFE_PLANS)
def test_plans_that_name_other_than_nnunets_own_parts_are_refused(nnunet, tmp_path, plans):
    folder = write_results(tmp_path, {"fold_0": a_checkpoint(a_network(2, 1).state_dict())}, plans)
    with pytest.raises(InputError, match=r"plans\.json: "):
        NNUNetSegmenter(folder, CPU)


def test_weights_of_another_network_are_refused(nnunet, tmp_path):
    folder = write_results(tmp_path, {"fold_0": a_checkpoint(a_network(2, 1, n_heads=5).state_dict())})
    with pytest.raises(InputError, match="weights do not fit the network of plans"):
        NNUNetSegmenter(folder, CPU)


def test_a_checkpoint_as_nnunet_saves_it_is_read_with_its_numpy_scalars(tmp_path):
    weights = {"encoder.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save(a_checkpoint(weights, "3d_fullres", "nnUNetTrainerDA5"), tmp_path / "checkpoint_final.pth")
    read = read_checkpoint(tmp_path / "checkpoint_final.pth")
    assert torch.equal(read.weights["encoder.weight"], weights["encoder.weight"])
    assert (read.trainer, read.configuration, read.mirror_axes) == ("nnUNetTrainerDA5", "3d_fullres", (0, 1))


@pytest.mark.parametrize("place", ["network_weights", "logging", "_best_ema", "init_args"])
def test_a_checkpoint_that_would_run_code_is_refused_and_did_not_run(tmp_path, place):
    trace, path = tmp_path / "was-here", tmp_path / "checkpoint_final.pth"
    torch.save({**a_checkpoint({"w": torch.ones(1)}), place: {"configuration": Vandal(trace)}}, path)
    with pytest.raises(InputError, match=rf"refused, loading it would run code \({os.name}\.mkdir\)"):
        read_checkpoint(path)
    assert not trace.exists()
    # It is as dangerous as it looks: nnU-Net's own way of loading runs it.
    torch.load(path, weights_only=False)
    assert trace.exists()


BAD_CHECKPOINTS = {
    "no checkpoint": (b"nothing of the kind", "no checkpoint of PyTorch"),
    "weights alone": ({"w": torch.ones(1)}, "no checkpoint of nnU-Net v2 (lacks 'network_weights')"),
    "a diverged training": (a_checkpoint({"w": torch.tensor([torch.nan])}), "'w' is not finite"),
    "no tensors": (a_checkpoint({"w": 3}), "no checkpoint of nnU-Net v2"),
}


@pytest.mark.parametrize(("content", "complaint"), BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS)
def test_what_is_no_checkpoint_of_nnunet_is_refused_with_its_reason(tmp_path, content, complaint):
    path = tmp_path / "checkpoint_final.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=re.escape(complaint)):
        read_checkpoint(path)


@pytest.fixture
def as_if_installed(monkeypatch):
    """The files are looked at before nnU-Net is imported."""
    monkeypatch.setattr(nnunet_segmenter, "find_spec", lambda name: object())


@pytest.mark.usefixtures("as_if_installed")
def test_a_folder_without_the_model_names_what_was_expected_and_where_it_is(tmp_path):
    with pytest.raises(InputError, match=r"no plans\.json in it; expected a results folder of nnU-Net v2"):
        NNUNetSegmenter(tmp_path, CPU)
    folder = write_results(tmp_path / "nnUNetTrainer__nnUNetPlans__2d", {})
    with pytest.raises(InputError, match="nnUNetPlans__2d has it"):
        NNUNetSegmenter(tmp_path, CPU)
    with pytest.raises(InputError, match=r"no fold_0/checkpoint_final\.pth or fold_all/checkpoint_final\.pth"):
        NNUNetSegmenter(folder, CPU)
    (folder / "dataset.json").unlink()
    with pytest.raises(InputError, match=r"dataset\.json: cannot be read"):
        NNUNetSegmenter(folder, CPU)


@pytest.mark.usefixtures("as_if_installed")
def test_labels_of_other_names_ask_for_a_choice(tmp_path):
    checkpoint = a_checkpoint({"w": torch.ones(1)})
    folder = write_results(tmp_path, {"fold_0": checkpoint}, labels={"background": 0, "trocar": 1, "all": [1, 2]})
    with pytest.raises(InputError, match=r"\?guide=1&needle=2; the model's labels: background = 0, trocar = 1, 2 = 2$"):
        NNUNetSegmenter(folder, CPU)


@pytest.mark.usefixtures("as_if_installed")
def test_folds_of_different_kinds_are_refused(tmp_path):
    weights = {"w": torch.ones(1)}
    folder = write_results(tmp_path, {"fold_0": a_checkpoint(weights), "fold_1": a_checkpoint(weights, "3d_fullres")})
    with pytest.raises(InputError, match="folds are of different kinds: nnUNetTrainer 2d, nnUNetTrainer 3d_fullres"):
        NNUNetSegmenter(folder, CPU)


def test_without_the_package_the_user_is_told_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(nnunet_segmenter, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs the package nnunetv2; install it: pip install nnunetv2"):
        make_segmenter(f"nnunet:{tmp_path}", "cpu")
