"""Tensors from a weights file, without ever running what is in it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from TemporalReconLib.errors import InputError

MAX_BYTES = 512 * 2**20
SAFETENSORS_SUFFIX = ".safetensors"
CHECKPOINT_SUFFIXES = (".pt", ".pth", ".pkl")
# Under it our files say what they are: in a checkpoint as a dict, in the header of safetensors as JSON. That header has
# no other entry, because the library writes several in random order and the same weights shall give the same file.
HEADER_KEY = "inboreguidance"
# Where training scripts keep the weights beside epoch and optimizer; ours ships the average.
_NESTED_UNDER = ("average", "network", "state_dict", "net", "model", "model_state_dict")
# What DataParallel and AveragedModel put around a network.
_WRAPPER_PREFIX, _WRAPPER_COUNTER = "module.", "n_averaged"
_PICKLE_MARK = b"\x80"
_ADVICE = "expected tensors only; ask for a checkpoint of network.state_dict(), or for safetensors"


@dataclass(frozen=True)
class WeightsFile:
    """What a weights file holds.

    Attributes
    ----------
    state
        Tensors by parameter name, on the CPU.
    stated
        What our own files say of themselves (method, network, config); empty for files of others.
    """

    state: dict[str, torch.Tensor]
    stated: dict[str, Any]


def read_weights_file(path: Path, sha256: str | None = None) -> WeightsFile:
    """Read ``.safetensors``, or a PyTorch checkpoint of plain tensors (``.pt .pth .pkl``).

    Checkpoints go through PyTorch's restricted unpickler, which builds tensors and calls nothing else. The
    weights may lie under ``average``, ``network``, ``state_dict``, ``net`` or ``model``; the names that DataParallel
    and AveragedModel add are taken off.

    Parameters
    ----------
    sha256
        Hexadecimal digest that the file must have, if one is known.

    Raises
    ------
    InputError
        If the file is missing, too large, no weights file, changed since its digest was stated, would run code,
        or holds anything but finite dense tensors.
    """
    suffix = path.suffix.lower()
    if suffix != SAFETENSORS_SUFFIX and suffix not in CHECKPOINT_SUFFIXES:
        raise InputError(
            f"weights {path}: unknown kind '{path.suffix}'; expected a model folder, {SAFETENSORS_SUFFIX}, "
            f"or a PyTorch checkpoint ({', '.join(CHECKPOINT_SUFFIXES)})"
        )
    data = _read_capped(path)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256.lower():
        raise InputError(
            f"weights {path}: SHA256 differs from the one in the model's metadata; the file is damaged or was "
            "changed, fetch the model again"
        )
    found = _read_safetensors(path, data) if suffix == SAFETENSORS_SUFFIX else _read_checkpoint(path, data)
    _require_finite_dense(path, found.state)
    return found


def write_weights_file(path: Path, state: Mapping[str, torch.Tensor], stated: Mapping[str, Any]) -> str:
    """Write tensors and what they are as safetensors; the same input gives the same bytes.

    Parameters
    ----------
    stated
        Method, network and config, kept as JSON in the file's header.

    Returns
    -------
    str
        SHA256 of the file, hexadecimal.
    """
    # Own memory for each: the format knows neither views nor channels-last strides.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
    data = safetensors.torch.save(plain, {HEADER_KEY: json.dumps(stated, sort_keys=True, allow_nan=False)})
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _read_capped(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"weights {path}: {size / 2**20:.0f} MB, expected at most {MAX_BYTES // 2**20} MB")
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"weights {path}: cannot be read ({error.strerror or error}); check name and rights"
        ) from error


def _read_safetensors(path: Path, data: bytes) -> WeightsFile:
    try:
        state = safetensors.torch.load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        stated = json.loads(header.get("__metadata__", {}).get(HEADER_KEY, "{}"))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"weights {path}: not a safetensors file ({error}); it may be cut short or renamed") from error
    return WeightsFile(state, stated)


def _read_checkpoint(path: Path, data: bytes) -> WeightsFile:
    # PyTorch pickles with protocol 2; Python itself and numpy use later ones.
    if data.startswith(_PICKLE_MARK) and data[1:2] > b"\2":
        raise InputError(f"weights {path}: refused, a pickle of Python objects runs code when it is read; {_ADVICE}")
    try:
        _require_small_inside(path, data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of TorchScript, which is refused below in one line
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except Exception as error:  # a damaged pickle ends in errors of every kind
        raise InputError(f"weights {path}: {_why_not_loaded(str(error))}") from error
    state = _unwrap(loaded)
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise InputError(
                f"weights {path}: entry {name!r} is {type(tensor).__name__}, expected only tensors by name "
                f"(at the top, or under {', '.join(_NESTED_UNDER)}); save network.state_dict()"
            )
    stated = loaded.get(HEADER_KEY, {}) if isinstance(loaded, dict) else {}
    return WeightsFile({name: tensor.detach() for name, tensor in state.items()}, stated)


def _require_small_inside(path: Path, data: bytes) -> None:
    """A checkpoint is a zip archive; what it unpacks to is bounded before it is unpacked."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_BYTES:
        raise InputError(f"weights {path}: unpacks to {size / 2**20:.0f} MB, expected at most {MAX_BYTES // 2**20} MB")


def _why_not_loaded(reason: str) -> str:
    called = re.search(r"GLOBAL (\S+)", reason)
    if called is not None:
        return f"refused, loading it would run code ({called[1]}); {_ADVICE}"
    if "TorchScript" in reason:
        return f"refused, it is a TorchScript program; {_ADVICE}"
    return "not a PyTorch checkpoint of plain tensors; it may be cut short, renamed or of another program"


def _unwrap(loaded: Any) -> dict[Any, Any]:
    """The weights of a checkpoint, without what surrounds them."""
    state = loaded
    if isinstance(loaded, dict):
        state = next((loaded[key] for key in _NESTED_UNDER if isinstance(loaded.get(key), dict)), loaded)
    if not isinstance(state, dict):
        return {"": state}
    names = [name for name in state if name != _WRAPPER_COUNTER]
    if names and all(isinstance(name, str) and name.startswith(_WRAPPER_PREFIX) for name in names):
        return {name.removeprefix(_WRAPPER_PREFIX): state[name] for name in names}
    return state


def _require_finite_dense(path: Path, state: dict[str, torch.Tensor]) -> None:
    if not state:
        raise InputError(f"weights {path}: holds no tensors; give a trained model")
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise InputError(f"weights {path}: '{name}' is no dense tensor; save the network without quantization")
    # Strides of zero claim any size for no memory; what follows would allocate it.
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    if size > MAX_BYTES:
        raise InputError(f"weights {path}: claims {size / 2**20:.0f} MB, expected at most {MAX_BYTES // 2**20} MB")
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise InputError(f"weights {path}: '{name}' is not finite (NaN or infinity); the training diverged")
