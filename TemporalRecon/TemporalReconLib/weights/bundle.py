"""Models as folders in the shape of a MONAI bundle, and weights of others."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from TemporalReconLib.errors import InputError
from TemporalReconLib.weights.metadata import bundle_metadata, checked, read_block
from TemporalReconLib.weights.model_card import CARD_FILE, ModelCard
from TemporalReconLib.weights.output_folder import folder_written_atomically

if TYPE_CHECKING:
    import torch

METADATA_FILE = "configs/metadata.json"
MODEL_FILE = "models/model.safetensors"
LICENSE_FILE = "LICENSE"
BUNDLE_FILES = (LICENSE_FILE, METADATA_FILE, CARD_FILE, MODEL_FILE)
# In the folder of a training run, best first; it is no bundle yet.
CHECKPOINT_FILES = ("model.safetensors", "best.pt", "newest.pt")
_NAMED = 3
_LICENSE = """Copyright The InBoreGuidance contributors

The files of this folder are licensed under the Apache License, Version 2.0 (the "License"); you may not use them
except in compliance with the License. You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, they are distributed on an "AS IS" BASIS, WITHOUT
WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the specific language governing
permissions and limitations under the License.
"""


@dataclass(frozen=True)
class Weights:
    """Trained weights and what is known of them.

    Attributes
    ----------
    state
        Tensors by parameter name, on the CPU.
    config
        What the network was built with; empty if the file does not say (weights of others).
    method
        As given to ``--method``.
    network
        Name of the network; empty if the file does not say.
    source
        The file.
    metadata
        Training, figures and digest of a model folder; empty without one.
    """

    state: dict[str, torch.Tensor]
    config: dict[str, Any]
    method: str
    network: str
    source: Path
    metadata: dict[str, Any] = field(default_factory=dict)


def open_weights(path: Path, method: str) -> Weights:
    """Read weights for a method, without executing anything that is in them.

    Parameters
    ----------
    path
        A model folder, a folder or file of a training run, any ``.safetensors``, or a PyTorch checkpoint of plain
        tensors (``.pt .pth .pkl``, such as those of CRNN-MRI's authors).
    method
        As given to ``--method``.

    Raises
    ------
    InputError
        If there are none, they were made for another method, do not have the digest that the metadata state, or
        :func:`~TemporalReconLib.weights.weights_file.read_weights_file` refuses the file.
    """
    # Here, because Slicer's own process asks for paths and cards and must not load torch.
    from TemporalReconLib.weights.weights_file import read_weights_file

    source = _weights_file_of(path)
    block = _block_beside(source)
    found = read_weights_file(source, block.get("sha256"))
    stated = {**block, **checked(found.stated, source)}
    made_for = stated.get("method", method)
    if made_for != method:
        raise InputError(f"weights {path}: made for method '{made_for}', not '{method}'; use --method {made_for}")
    return Weights(found.state, stated.get("config", {}), method, stated.get("network", ""), source, block)


def fill_network(network: torch.nn.Module, weights: Weights) -> None:
    """Load weights into a network that has exactly these parameters.

    A module that a network registers under several names needs to be given under the first only.

    Raises
    ------
    InputError
        If names or shapes differ; says which.
    """
    known = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.state.items()}
    reshaped = [name for name in known if name in given and known[name] != given[name]]
    differences = [
        _listed("missing", [name for name in _distinct(network) if name not in given]),
        _listed("unexpected", sorted(given.keys() - known.keys())),
        _listed("of another shape", [f"{name}: expected {known[name]}, got {given[name]}" for name in reshaped]),
    ]
    if any(differences):
        raise InputError(
            f"weights {weights.source} do not fit the network of method '{weights.method}': "
            f"{'; '.join(filter(None, differences))}; use weights made for this network"
        )
    network.load_state_dict(weights.state, strict=False)


def save_weights(
    folder: Path,
    network: torch.nn.Module,
    method: str,
    network_name: str,
    config: Mapping[str, Any],
    training: Mapping[str, Any],
    figures: Mapping[str, Mapping[str, float | str]],
    card: ModelCard,
) -> str:
    """Write a whole model folder, or nothing; an older model there is replaced.

    Parameters
    ----------
    network
        Its ``state_dict`` is saved, each tensor once.
    config
        What builds the network again; JSON values.
    training
        Steps, seconds, seed, recipe and the like; JSON values.
    figures
        Rows of a table by name: ``{"R = 16": {"PSNR (dB)": 31.2}}``.

    Returns
    -------
    str
        SHA256 of the weights file, hexadecimal.

    Raises
    ------
    InputError
        If the folder cannot be written, or holds other files than a model's.
    """
    from TemporalReconLib.weights.weights_file import write_weights_file

    state = _distinct(network)
    stated = {"method": method, "network": network_name, "config": dict(config)}
    with folder_written_atomically(folder, BUNDLE_FILES) as fresh:
        for name in BUNDLE_FILES:
            (fresh / name).parent.mkdir(exist_ok=True)
        sha256 = write_weights_file(fresh / MODEL_FILE, state, stated)
        block = {**stated, "sha256": sha256, "training": dict(training), "figures": dict(figures)}
        metadata = bundle_metadata(
            card.task, card.description, " ".join(card.data), card.references, card.data_format, block
        )
        text = json.dumps(metadata, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        n_parameters = sum(parameter.numel() for parameter in network.parameters())
        (fresh / METADATA_FILE).write_text(text, encoding="utf-8")
        (fresh / CARD_FILE).write_text(card.text(block, n_parameters), encoding="utf-8")
        (fresh / LICENSE_FILE).write_text(_LICENSE, encoding="utf-8")
    return sha256


def default_weights(method: str) -> Path:
    """The model folder that came with this software.

    Raises
    ------
    InputError
        If there is none; says where it was looked for.
    """
    package_folder = Path(__file__).resolve().parents[2]
    # Beside the packages in the extension, one higher in the repository, below share/ where a wheel was installed.
    installed = Path(sysconfig.get_path("data")) / "share" / "inboreguidance"
    folders = (package_folder, package_folder.parent, installed)
    candidates = [folder / "Resources" / "Models" / method for folder in folders]
    for folder in candidates:
        if (folder / MODEL_FILE).is_file():
            return folder
    raise InputError(
        f"no weights for method '{method}': looked in {' and '.join(map(str, candidates))}; give some with --weights"
    )


def _distinct(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The ``state_dict`` without further names of the same tensors, as MONAI's DynUNet has them."""
    first = {name for named in (network.named_parameters(), network.named_buffers()) for name, _ in named}
    return {name: tensor for name, tensor in network.state_dict().items() if name in first}


def _weights_file_of(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"weights {path}: no such file or folder; give the name of an existing one")
    for name in (MODEL_FILE, *CHECKPOINT_FILES):
        if (path / name).is_file():
            return path / name
    raise InputError(
        f"weights {path}: no model folder; expected {MODEL_FILE} (a model) or one of {', '.join(CHECKPOINT_FILES)} "
        "(a training run) in it"
    )


def _block_beside(source: Path) -> dict[str, Any]:
    """Our block of the metadata, if ``source`` is the weights file of a bundle."""
    folder = source.absolute().parent.parent
    metadata = folder / METADATA_FILE
    return read_block(metadata) if source.absolute() == folder / MODEL_FILE and metadata.is_file() else {}


def _listed(what: str, entries: list[str]) -> str:
    if not entries:
        return ""
    more = f" and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return f"{len(entries)} {what} ({', '.join(entries[:_NAMED])}{more})"
