"""What training needs to go on where it stopped; read without executing code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError
from TemporalReconLib.weights.weights_file import HEADER_KEY

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NEWEST = "newest.pt"
BEST = "best.pt"
# A dataclass of numbers and words.
Progress = TypeVar("Progress", bound="DataclassInstance")


@dataclass
class Checkpoint:
    """Progress of a training run.

    Attributes
    ----------
    step
        Optimizer steps done.
    seconds
        Wall time spent.
    device
        What it was trained on last, in words.
    psnr, psnr_tip
        Figures of the best validation so far in dB, whole strips and near the tip; minus infinity before the first.
    """

    step: int = 0
    seconds: float = 0.0
    device: str = ""
    psnr: float = float("-inf")
    psnr_tip: float = float("-inf")

    @property
    def is_validated(self) -> bool:
        return self.psnr_tip > float("-inf")


@dataclass(frozen=True)
class CheckpointFolder:
    """The folder of a training run, with its newest and its best checkpoint.

    Both also say which method they are for, so that ``--weights`` takes them and the folder.

    Attributes
    ----------
    path
        The folder.
    made_for
        Method, network and config, as weights state them.
    settings
        Everything that makes a run repeatable; a run goes on only with the same ones.
    """

    path: Path
    made_for: Mapping[str, Any]
    settings: Mapping[str, Any]

    def write(
        self,
        checkpoint: DataclassInstance,
        network: nn.Module,
        average: nn.Module,
        optimizer: torch.optim.Optimizer,
        best: bool = False,
    ) -> None:
        """Replace the newest (or the best) checkpoint, whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        content = {
            HEADER_KEY: dict(self.made_for),
            "settings": dict(self.settings),
            "progress": asdict(checkpoint),
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        with written_atomically(self.path / (BEST if best else NEWEST)) as temporary:
            torch.save(content, temporary)

    def restore(
        self, kind: type[Progress], network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
    ) -> Progress | None:
        """Restore everything from the newest checkpoint, progress as ``kind``; None if there is none.

        Raises
        ------
        InputError
            If the checkpoint cannot be read, or belongs to another method or other settings; says which differ.
        """
        path = self.path / NEWEST
        if not path.exists():
            return None
        content = read_checkpoint(path)
        for wanted, found in ((self.made_for, content[HEADER_KEY]), (self.settings, content["settings"])):
            _require_equal(path, wanted, found)
        try:
            network.load_state_dict(content["network"])
            average.load_state_dict(content["average"])
            optimizer.load_state_dict(content["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise InputError(
                f"checkpoint {path} was made by another network or version; choose another --output folder"
            ) from error
        return kind(**content["progress"])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, on the CPU.

    Raises
    ------
    InputError
        If it is none of ours.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle ends in errors of every kind
        raise InputError(f"checkpoint {path} cannot be read; remove it, or choose another --output folder") from error
    parts = {HEADER_KEY, "settings", "progress", "network", "average", "optimizer"}
    if not isinstance(content, dict) or not parts <= content.keys():
        raise InputError(f"checkpoint {path} is not one of this program; choose another --output folder")
    return content


def _require_equal(path: Path, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for name in {**wanted, **found}:
        if wanted.get(name) != found.get(name):
            raise InputError(
                f"checkpoint {path} was made with {name} {found.get(name)}, now {wanted.get(name)}; "
                "repeat its options to go on, or choose another --output folder"
            )


def best_checkpoint(folder: Path) -> Path:
    """The best checkpoint of a run; before the first validation that is the newest.

    Raises
    ------
    InputError
        If nothing was trained in the folder yet.
    """
    for name in (BEST, NEWEST):
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{folder}: nothing was trained here yet; give it more time")
