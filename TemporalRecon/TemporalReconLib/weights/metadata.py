"""``metadata.json`` of a model folder: MONAI's fields, and a block of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from TemporalReconLib import __version__
from TemporalReconLib.errors import InputError

BLOCK = "inboreguidance"
MAX_BYTES = 2**20
# The schema that `python -m monai.bundle verify_metadata` fetches and checks against.
SCHEMA = "https://project-monai.github.io/schema/meta_schema_20240725.json"
AUTHORS = "The InBoreGuidance contributors"
_EXPECTED = {"method": str, "network": str, "sha256": str, "config": dict, "training": dict, "figures": dict}
# Channels are coils. "*" is any size, in MONAI's words.
RECONSTRUCTION_FORMAT: Mapping[str, Any] = {
    "inputs": {
        "kspace": {
            "type": "image",
            "format": "kspace",
            "modality": "MR",
            "num_channels": 1,
            "spatial_shape": ["*", "*", "*"],
            "dtype": "complex64",
            "value_range": [],
            "is_patch_data": False,
            "channel_def": {"0": "receive coil (any number), axes slice, ky, kx; lines not sampled are zero"},
        },
        "mask": {
            "type": "image",
            "format": "labels",
            "modality": "MR",
            "num_channels": 1,
            "spatial_shape": ["*", "*"],
            "dtype": "bool",
            "value_range": [0, 1],
            "is_patch_data": False,
            "channel_def": {"0": "sampled phase-encode lines, axes slice, ky"},
        },
    },
    "outputs": {
        "image": {
            "type": "image",
            "format": "magnitude",
            "modality": "MR",
            "num_channels": 1,
            "spatial_shape": ["*", "*", "*"],
            "dtype": "float32",
            "value_range": [],
            "is_patch_data": False,
            "channel_def": {"0": "magnitude, axes slice, row, column, in the scale of the samples"},
        }
    },
}


def bundle_metadata(
    task: str,
    description: str,
    data_source: str,
    references: tuple[str, ...],
    data_format: Mapping[str, Any],
    block: Mapping[str, Any],
) -> dict[str, Any]:
    """The fields MONAI asks for (Model Bundle specification), with ``block`` as our own."""
    return {
        "schema": SCHEMA,
        "version": __version__,
        "changelog": {__version__: "made by inboreguidance"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {"safetensors": version("safetensors")},
        "name": f"InBoreGuidance {block['network']}",
        "task": task,
        "description": description,
        "authors": AUTHORS,
        "copyright": f"Copyright (c) {AUTHORS}",
        "data_source": data_source,
        "intended_use": "Research software, not a medical device. Do not base decisions about a patient on it.",
        "references": list(references),
        "network_data_format": dict(data_format),
        BLOCK: dict(block),
    }


def read_block(path: Path) -> dict[str, Any]:
    """Our block of a ``metadata.json``; empty where a bundle of others has none.

    Raises
    ------
    InputError
        If the file is no JSON object, or a field of the block is of the wrong kind.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES // 2**20} MB, expected the metadata of a model")
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check its rights") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); fetch the model again") from error
    if not isinstance(metadata, dict):
        raise InputError(f"{path}: expected a JSON object; fetch the model again")
    return checked(metadata.get(BLOCK, {}), path)


def checked(block: Any, source: Path) -> dict[str, Any]:
    """``block`` if its fields are of the right kinds; raises InputError that names ``source`` and the field."""
    if not isinstance(block, dict):
        raise InputError(f"{source}: '{BLOCK}' is no JSON object; fetch the model again")
    for name, kind in _EXPECTED.items():
        if name in block and not isinstance(block[name], kind):
            wanted = "an object" if kind is dict else "text"
            raise InputError(f"{source}: '{name}' is {block[name]!r:.40}, expected {wanted}; fetch the model again")
    return block
