"""TensorBoard logs of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.errors import InputError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

LOG_FOLDER = "tensorboard"


def open_log(folder: Path, step: int) -> SummaryWriter:
    """A log below the folder of a run; what it holds of later steps, lost with a crash, is dropped.

    Raises
    ------
    InputError
        If TensorBoard is not installed: reconstruction does without it.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "training writes its curves for TensorBoard, which is not installed; pip install tensorboard"
        ) from error
    return SummaryWriter(str(folder / LOG_FOLDER), purge_step=step)
