"""What training needs to go on where it stopped; read without executing code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

NEWEST = "newest.pt"
BEST = "best.pt"


@dataclass
class Checkpoint:
    """Progress of a training run.

    Attributes
    ----------
    step
        Optimizer steps done.
    seconds
        Wall time spent.
    best
        Best validation so far, dB near the tip.
    """

    step: int = 0
    seconds: float = 0.0
    best: float = float("-inf")


def write_checkpoint(
    folder: Path,
    checkpoint: Checkpoint,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: bool = False,
) -> None:
    """Replace the newest (or the best) checkpoint, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "progress": asdict(checkpoint),
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with written_atomically(folder / (BEST if best else NEWEST)) as temporary:
        torch.save(content, temporary)


def read_checkpoint(
    folder: Path, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer
) -> Checkpoint | None:
    """Restore everything from the newest checkpoint; None if there is none.

    Raises
    ------
    InputError
        If the checkpoint belongs to another network.
    """
    path = folder / NEWEST
    if not path.exists():
        return None
    content = torch.load(path, map_location="cpu", weights_only=True)
    try:
        network.load_state_dict(content["network"])
        average.load_state_dict(content["average"])
        optimizer.load_state_dict(content["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise InputError(
            f"checkpoint {path} was made by another network or version; choose another --output folder"
        ) from error
    return Checkpoint(**content["progress"])
