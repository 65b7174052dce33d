"""A user's MONAI bundle as segmenter, without running what the bundle says."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai import transforms
from monai.inferers import sliding_window_inference
from monai.networks import nets
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, directions_of, spacing_of
from TemporalReconLib.weights.weights_file import read_weights_file

from InstrumentTrackerLib.segmentation.bundle_config import METADATA_FILE, BundleConfig, read_bundle_config
from InstrumentTrackerLib.segmentation.instrument_mask import GUIDE_LABEL, NEEDLE_LABEL, InstrumentMask
from InstrumentTrackerLib.segmentation.label_map import LabelMap
from InstrumentTrackerLib.segmentation.plain_config import one_line

# Without a window the whole image is padded to this multiple, so that a network may halve it five times.
_MULTIPLE = 32
# Of a channel of its own: more likely than not.
_LIKELY = 0.5
_WORLD_AXES = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}


class BundleSegmenter:
    """Runs the network of a bundle on each frame.

    The array has MONAI's axis order: columns i, rows j, slices k, turned and resampled as the bundle's preprocessing
    says. Intensities are scaled as it says; where it says nothing, the 99th percentile becomes 1. Its postprocessing
    beyond softmax or sigmoid (largest component, hole filling) is not done.

    Parameters
    ----------
    chosen
        Names or numbers of ``guide`` and ``needle`` among the output channels; empty: by their names. Where every
        channel is a structure (sigmoid, no background), they count from 1.

    Raises
    ------
    InputError
        If the folder is no bundle, asks for what is not supported here, or its weights are refused or do not fit.
    """

    def __init__(self, folder: Path, device: torch.device, chosen: Mapping[str, str] | None = None) -> None:
        self._config = read_bundle_config(folder)
        self._device = device
        self._network = _filled_network(self._config).to(device).eval()
        self._intensity = [_transform(self._config, name, given) for name, given in self._config.intensity]
        names = self._config.names
        self._has_background = not self._config.has_sigmoid or 0 in {names.get("background"), names.get("Background")}
        shift = 0 if self._has_background else 1
        numbers = {name: number + shift for name, number in names.items()}
        self._labels = LabelMap.of(numbers, chosen or {}, f"bundle:{folder}")
        self._require_outputs(folder)

    def _require_outputs(self, folder: Path) -> None:
        """Refuse now what would fail at the first picture: labels beyond what the network gives."""
        given = inspect.signature(getattr(nets, self._config.network)).bind(**self._config.arguments)
        given.apply_defaults()
        n_outputs = given.arguments.get("out_channels")
        if n_outputs is None:
            return
        shift = 0 if self._has_background else 1
        highest = max(number for number in (self._labels.guide, self._labels.needle) if number is not None) - shift
        if highest >= n_outputs:
            raise InputError(
                f"bundle:{folder}: guide or needle is channel {highest} of channel_def, but {self._config.network} "
                f"gives {n_outputs} (0 to {n_outputs - 1}); correct {METADATA_FILE}, or say ?guide=1&needle=2"
            )

    def segment(self, image: ImageFrame) -> InstrumentMask:
        """Mask of the geometry of the image; empty for a constant image."""
        if image.data.min() == image.data.max():
            return InstrumentMask(np.zeros(image.data.shape, np.uint8), image.ijk_to_ras, image.index)
        classes = self._classes(image)
        probabilities = self._labels.probabilities(classes)
        if self._config.has_sigmoid:
            # Structures of their own, which may overlap: the needle lies over the guide, whatever else is there.
            guide, needle = probabilities > _LIKELY
            labels = np.where(needle, NEEDLE_LABEL, np.where(guide, GUIDE_LABEL, 0)).astype(np.uint8)
        else:
            labels = self._labels.labels(classes.argmax(0))
        return InstrumentMask(labels, image.ijk_to_ras, image.index, probabilities)

    @torch.inference_mode()
    def _classes(self, image: ImageFrame) -> NDArray[np.float32]:
        """Probability of every class, (class, slice, row, col); class 0 is the background."""
        config = self._config
        volume = torch.from_numpy(np.ascontiguousarray(image.data.transpose(2, 1, 0)))
        axes, flips = _turn(image.ijk_to_ras, config.axcodes)
        turned = volume.permute(axes).flip(flips)
        spacing = spacing_of(image.ijk_to_ras)[list(axes)]
        given = _resampled(turned[None, None].to(self._device), _grid(turned.shape, spacing, config.pixdim))
        for step in self._intensity:
            given = torch.as_tensor(step(given[0]), device=self._device)[None]
        if not self._intensity:
            given = given / torch.quantile(given.flatten()[:: max(1, given.numel() // 2**20)], 0.99).clamp(min=1e-12)
        logits = self._predicted(given)
        found = torch.sigmoid(logits) if config.has_sigmoid else torch.softmax(logits, 1)
        back = _resampled(found, tuple(turned.shape))[0].cpu().flip([axis + 1 for axis in flips])
        inverse = [0, *(1 + axes.index(axis) for axis in range(3))]
        classes = back.permute(inverse).permute(0, 3, 2, 1).numpy()
        if not self._has_background:
            classes = np.concatenate([np.zeros_like(classes[:1]), classes])
        return np.ascontiguousarray(classes, np.float32)

    def _predicted(self, given: torch.Tensor) -> torch.Tensor:
        """Logits (1, channel, i, j, k) of an image (1, 1, i, j, k)."""
        by_slice = self._config.spatial_dims == 2
        batch = given[0].permute(3, 0, 1, 2) if by_slice else given
        window = self._config.window or tuple(-(-size // _MULTIPLE) * _MULTIPLE for size in batch.shape[2:])
        logits = sliding_window_inference(batch.float(), window, 1, self._first_output, mode="gaussian")
        if not isinstance(logits, torch.Tensor):
            raise InputError(f"{self._config.weights}: the network {self._config.network} gives no single image")
        return logits.permute(1, 2, 3, 0)[None] if by_slice else logits

    def _first_output(self, patch: torch.Tensor) -> torch.Tensor:
        """With deep supervision the full resolution comes first."""
        output = self._network(patch)
        tensor: torch.Tensor = output[0] if isinstance(output, list | tuple) else output
        return tensor


def _transform(config: BundleConfig, name: str, given: Mapping[str, Any]) -> Any:
    try:
        return getattr(transforms, name)(**given)
    except Exception as error:  # arguments of others fail in any way
        raise InputError(
            f"bundle {config.weights.parents[1]}: MONAI cannot build the transform {name} "
            f"({type(error).__name__}: {one_line(error)}); check its arguments"
        ) from error


def _filled_network(config: BundleConfig) -> torch.nn.Module:
    try:
        network: torch.nn.Module = getattr(nets, config.network)(**config.arguments)
    except Exception as error:  # arguments of others fail in any way
        raise InputError(
            f"bundle {config.weights.parents[1]}: MONAI cannot build {config.network} of network_def "
            f"({type(error).__name__}: {one_line(error)}); check its arguments"
        ) from error
    try:
        network.load_state_dict(read_weights_file(config.weights).state)
    except RuntimeError as error:
        raise InputError(
            f"weights {config.weights} do not fit {config.network} of network_def: {one_line(error)}"
        ) from error
    return network


def _turn(ijk_to_ras: Matrix, axcodes: str | None) -> tuple[tuple[int, int, int], list[int]]:
    """Which of the axes i, j, k come first, second, third, and which of these are then flipped."""
    if axcodes is None:
        return (0, 1, 2), []
    directions = directions_of(ijk_to_ras)
    _, nearest = linear_sum_assignment(-np.abs(directions))  # for each world axis its array axis
    axes, flips = [], []
    for position, letter in enumerate(axcodes):
        world, sign = _WORLD_AXES[letter]
        axes.append(int(nearest[world]))
        if directions[world, nearest[world]] * sign < 0:
            flips.append(position)
    return (axes[0], axes[1], axes[2]), flips


def _grid(shape: torch.Size, spacing: NDArray[Any], pixdim: tuple[float, ...] | None) -> tuple[int, ...]:
    """Size of the network's image; its corner pixels lie on ours, as with MONAI's Spacing."""
    wanted = [*(pixdim or ()), *spacing[len(pixdim or ()) :]]
    return tuple(
        round((size - 1) * float(ours) / theirs) + 1 for size, ours, theirs in zip(shape, spacing, wanted, strict=True)
    )


def _resampled(image: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Trilinear, (1, channel, i, j, k); unchanged where the size is right."""
    if tuple(image.shape[2:]) == size:
        return image
    return torch.nn.functional.interpolate(image, size=size, mode="trilinear", align_corners=True)
