"""A user's trained nnU-Net v2 as segmenter (package ``nnunetv2``)."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import spacing_of

from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.segmentation.label_map import LabelMap
from InstrumentTrackerLib.segmentation.nnunet_checkpoint import NNUNetCheckpoint, read_checkpoint
from InstrumentTrackerLib.segmentation.plain_config import object_in, one_line, read_object, require_small

CHECKPOINT = "checkpoint_final.pth"
_STANDARD_TRAINER = "nnUNetTrainer"
# Plans name classes and functions, which nnU-Net looks up and calls; these are its own for one MR image.
_ALLOWED_NAMES = {
    "preprocessor_name": r"DefaultPreprocessor",
    "normalization_schemes": r"(ZScore|ZScoreNoMask|CT|No|RescaleTo01)Normalization",
    "resampling_fn_data": r"(no_)?resampl\w+",
    "resampling_fn_seg": r"(no_)?resampl\w+",
    "resampling_fn_probabilities": r"(no_)?resampl\w+",
}
_NETWORK = re.compile(r"(dynamic_network_architectures\.architectures\.[a-z0-9_.]+)\.([A-Z]\w*)")
_LAYER = re.compile(r"(torch\.nn(?:\.modules\.[a-z0-9_]+)?)\.([A-Z]\w*)")


class NNUNetSegmenter:
    """Predicts each frame as ``nnUNetv2_predict`` would: all folds, mirroring as trained, resampled to its spacing.

    Axes are taken as nnU-Net's default reader does (slice, row, col); the orientation is that of the images it was
    trained on. Probabilities are given unless it was trained on regions.

    Parameters
    ----------
    folder
        ``.../DatasetXXX_Name/nnUNetTrainer__nnUNetPlans__2d`` or another configuration but a cascade: ``plans.json``,
        ``dataset.json``, and ``checkpoint_final.pth`` in ``fold_0`` and so on, or in ``fold_all``.
    chosen
        Names or numbers of ``guide`` and ``needle`` among its labels; empty: by their names.

    Raises
    ------
    InputError
        If nnunetv2 is not installed, a file is missing or refused, or the model is one that needs code of its own.
    """

    def __init__(self, folder: Path, device: torch.device, chosen: Mapping[str, str] | None = None) -> None:
        if find_spec("nnunetv2") is None:
            raise InputError("segmenter 'nnunet' needs the package nnunetv2; install it: pip install nnunetv2")
        plans, dataset = _read_descriptions(folder)
        checkpoints = [read_checkpoint(path) for path in _checkpoint_files(folder)]
        _require_alike(checkpoints, folder)
        names = _label_names(dataset, folder / "dataset.json")
        self._labels = LabelMap.of(names, chosen or {}, f"nnunet:{folder}")
        # Importing and building it prints advice; stdout belongs to the user's tables.
        with contextlib.redirect_stdout(io.StringIO()):
            self._predictor = _built_predictor(folder, device, plans, dataset, checkpoints)
        self._has_probabilities = not self._predictor.label_manager.has_regions

    def segment(self, image: ImageFrame) -> InstrumentMask:
        """Mask of the geometry of the image; empty for a constant image."""
        if image.data.min() == image.data.max():
            return InstrumentMask(np.zeros(image.data.shape, np.uint8), image.ijk_to_ras, image.index)
        properties = {"spacing": [float(value) for value in spacing_of(image.ijk_to_ras)[::-1]]}
        labels, classes = self._predictor.predict_single_npy_array(
            image.data[None], properties, None, None, save_or_return_probabilities=True
        )
        probabilities = self._labels.probabilities(np.asarray(classes)) if self._has_probabilities else None
        return InstrumentMask(self._labels.labels(np.asarray(labels)), image.ijk_to_ras, image.index, probabilities)


def _read_descriptions(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not (folder / "plans.json").is_file():
        deeper = next((path.parent.name for path in sorted(folder.glob("*/plans.json"))), None)
        hint = f"; {folder / deeper} has it" if deeper else ""
        raise InputError(
            f"nnU-Net {folder}: no plans.json in it; expected a results folder of nnU-Net v2, such as "
            f"DatasetXXX_Name/nnUNetTrainer__nnUNetPlans__2d{hint}"
        )
    return read_object(folder / "plans.json"), read_object(folder / "dataset.json")


def _checkpoint_files(folder: Path) -> list[Path]:
    """Of all numbered folds, else of the one trained on everything."""
    numbered = sorted(folder.glob(f"fold_[0-9]*/{CHECKPOINT}"))
    found = numbered or sorted(folder.glob(f"fold_all/{CHECKPOINT}"))
    if not found:
        raise InputError(
            f"nnU-Net {folder}: no fold_0/{CHECKPOINT} or fold_all/{CHECKPOINT} in it; train it to its end"
        )
    return found


def _require_alike(checkpoints: list[NNUNetCheckpoint], folder: Path) -> None:
    kinds = sorted({f"{checkpoint.trainer} {checkpoint.configuration}" for checkpoint in checkpoints})
    if len(kinds) > 1:
        raise InputError(f"nnU-Net {folder}: its folds are of different kinds: {', '.join(kinds)}")


def _label_names(dataset: dict[str, Any], source: Path) -> dict[str, int]:
    """Labels by name; those that only occur within regions, by their number."""
    channels = dataset.get("channel_names", dataset.get("modality"))
    if not isinstance(channels, dict) or len(channels) != 1:
        raise InputError(f"{source}: channel_names is {channels!r:.60}; live images have one channel")
    labels = object_in(dataset, "labels", source)
    names = {name: number for name, number in labels.items() if isinstance(number, int) and name != "ignore"}
    regions = [region for region in labels.values() if isinstance(region, list)]
    parts = {int(number) for region in regions for number in region if isinstance(number, int)}
    return names | {str(number): number for number in sorted(parts - set(names.values()))}


def _built_predictor(
    folder: Path,
    device: torch.device,
    plans: dict[str, Any],
    dataset: dict[str, Any],
    checkpoints: list[NNUNetCheckpoint],
) -> Any:
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    first, source = checkpoints[0], folder / "plans.json"
    _require_standard_trainer(first.trainer, folder)
    if plans.get("label_manager", "LabelManager") != "LabelManager":
        raise InputError(f"{source}: label_manager is {plans['label_manager']!r:.60}, which is not nnU-Net's own")
    try:
        manager = PlansManager(plans)
        configuration = manager.get_configuration(first.configuration)
        n_heads = manager.get_label_manager(dataset).num_segmentation_heads
    except Exception as error:  # plans of others fail in any way
        raise InputError(f"{source}: nnU-Net cannot use it ({type(error).__name__}: {one_line(error)})") from error
    if configuration.previous_stage_name is not None:
        raise InputError(f"nnU-Net {folder}: a cascade needs two networks per frame; train 2d or 3d_fullres alone")
    _require_known_names(configuration.configuration, source)
    network = _network(configuration, n_heads, source)
    for checkpoint in checkpoints:
        _require_fit(network, checkpoint, folder)
    predictor = nnUNetPredictor(device=device, allow_tqdm=False)
    predictor.manual_initialization(
        network=network,
        plans_manager=manager,
        configuration_manager=configuration,
        parameters=[checkpoint.weights for checkpoint in checkpoints],
        dataset_json=dataset,
        trainer_name=first.trainer,
        inference_allowed_mirroring_axes=first.mirror_axes,
    )
    return predictor


def _require_standard_trainer(name: str, folder: Path) -> None:
    """Trainers may build networks that the plans do not tell; only those that leave this to nnU-Net are accepted.

    Their sources are read, not imported: nnU-Net would import every trainer there is, with all they need, to find one.
    """
    trainers = _trainers_of_nnunet()
    while name != _STANDARD_TRAINER:
        if name not in trainers:
            raise InputError(
                f"nnU-Net {folder}: trainer '{name:.60}' does not come with nnunetv2; use its own trainers"
            )
        base, methods = trainers.pop(name)
        if "build_network_architecture" in methods:
            raise InputError(f"nnU-Net {folder}: trainer '{name}' builds a network of its own; use one of the plans")
        name = base


def _trainers_of_nnunet() -> dict[str, tuple[str, set[str]]]:
    """First base class and methods of every class by its name."""
    specification = find_spec("nnunetv2")
    places = specification.submodule_search_locations if specification else None
    found = {}
    for source in sorted(Path((places or [""])[0], "training", "nnUNetTrainer").rglob("*.py")):
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                base = ast.unparse(node.bases[0]) if node.bases else ""
                found[node.name] = (base, {item.name for item in node.body if isinstance(item, ast.FunctionDef)})
    return found


def _require_known_names(configuration: dict[str, Any], source: Path) -> None:
    for entry, pattern in _ALLOWED_NAMES.items():
        given = configuration.get(entry)
        for name in given if isinstance(given, list) else [given]:
            if not isinstance(name, str) or re.fullmatch(pattern, name) is None:
                raise InputError(f"{source}: {entry} is {name!r:.60}, which is none of nnU-Net's own for MR images")


def _network(configuration: Any, n_heads: int, source: Path) -> torch.nn.Module:
    """The network that the plans describe; of its library's classes and PyTorch's layers, and nothing else."""
    arguments = dict(configuration.network_arch_init_kwargs)
    require_small(arguments, f"{source}: arch_kwargs")
    build = _module_class(configuration.network_arch_class_name, _NETWORK, source)
    for name in configuration.network_arch_init_kwargs_req_import:
        if arguments.get(name) is not None:
            arguments[name] = _module_class(arguments[name], _LAYER, source)
    try:
        return build(input_channels=1, num_classes=n_heads, deep_supervision=False, **arguments)
    except Exception as error:  # arguments of others fail in any way
        raise InputError(
            f"{source}: {build.__name__} cannot be built ({one_line(error)}); check its arguments"
        ) from error


def _module_class(name: Any, pattern: re.Pattern[str], source: Path) -> type[torch.nn.Module]:
    match = pattern.fullmatch(name) if isinstance(name, str) else None
    try:
        found = getattr(import_module(match[1]), match[2], None) if match else None
    except ImportError:
        found = None
    if not isinstance(found, type) or not issubclass(found, torch.nn.Module):
        raise InputError(f"{source}: names '{name!s:.80}', which is no network or layer of nnU-Net")
    return found


def _require_fit(network: torch.nn.Module, checkpoint: NNUNetCheckpoint, folder: Path) -> None:
    try:
        network.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise InputError(
            f"nnU-Net {folder}: weights do not fit the network of plans.json: {one_line(error)}"
        ) from error
