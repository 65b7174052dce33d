"""Checkpoints of nnU-Net, read without running what is in them."""

from __future__ import annotations

import pickle
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.dtypes import Float32DType, Float64DType, Int64DType
from TemporalReconLib.errors import InputError

# With the state of the optimizer; the largest of nnU-Net's presets stays below.
MAX_BYTES = 4 * 2**30
_ADVICE = "give checkpoint_final.pth as nnU-Net v2 itself writes it"
# Beside tensors nnU-Net keeps its training curves, numpy scalars. Their names of before and since numpy 2.
_SCALAR = np.float64(0).__reduce__()[0]
_ALLOWED: list[Any] = [
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    *(np.dtype, Float32DType, Float64DType, Int64DType),
]


@dataclass(frozen=True)
class NNUNetCheckpoint:
    """What prediction needs of a checkpoint.

    Attributes
    ----------
    weights
        Tensors by parameter name, on the CPU.
    trainer, configuration
        Names, such as ``nnUNetTrainer`` and ``2d``.
    mirror_axes
        Along which the trained network may be mirrored; None: along none.
    """

    weights: dict[str, torch.Tensor]
    trainer: str
    configuration: str
    mirror_axes: tuple[int, ...] | None


def read_checkpoint(path: Path) -> NNUNetCheckpoint:
    """Read ``checkpoint_final.pth``.

    nnU-Net itself unpickles checkpoints without restriction, which runs whatever they contain. Here PyTorch's
    restricted unpickler builds tensors, plain values and numpy scalars, and calls nothing else.

    Raises
    ------
    InputError
        If the file is too large, no checkpoint of nnU-Net v2, would run code, or holds weights that are not finite.
    """
    _require_bounded(path)
    try:
        with torch.serialization.safe_globals(_ALLOWED):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        called = re.search(r"GLOBAL (\S+)", str(error))
        if called is None:
            raise InputError(f"{path}: no checkpoint of PyTorch, or damaged; {_ADVICE}") from error
        raise InputError(f"{path}: refused, loading it would run code ({called[1]}); {_ADVICE}") from error
    except Exception as error:  # a damaged file ends in errors of every kind
        raise InputError(f"{path}: no checkpoint of PyTorch, or damaged; {_ADVICE}") from error
    return _checked(content, path)


def _require_bounded(path: Path) -> None:
    """The size of the file, and of what it unpacks to, before anything is allocated."""
    try:
        size = path.stat().st_size
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(entry.file_size for entry in archive.infolist()))
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read ({error}); check name and rights") from error
    if size > MAX_BYTES:
        raise InputError(f"{path}: {size / 2**30:.1f} GB, expected at most {MAX_BYTES // 2**30} GB")


def _checked(content: Any, path: Path) -> NNUNetCheckpoint:
    try:
        weights = content["network_weights"]
        trainer, configuration = content["trainer_name"], content["init_args"]["configuration"]
        axes = content.get("inference_allowed_mirroring_axes")
        axes = None if axes is None else tuple(int(axis) for axis in axes)
        named = all(isinstance(name, str) for name in (trainer, configuration, *weights))
        if not named or not all(isinstance(tensor, torch.Tensor) for tensor in weights.values()):
            raise TypeError("names or tensors")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: no checkpoint of nnU-Net v2 (lacks {error}); {_ADVICE}") from error
    for name, tensor in weights.items():
        # Strides of zero claim any size for no memory.
        if tensor.layout != torch.strided or tensor.numel() * tensor.element_size() > MAX_BYTES:
            raise InputError(f"{path}: '{name}' is no dense tensor of a network; {_ADVICE}")
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{path}: '{name}' is not finite (NaN or infinity); the training diverged")
    return NNUNetCheckpoint(dict(weights), trainer, configuration, axes)
