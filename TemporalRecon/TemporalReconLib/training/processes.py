"""One process, or those that ``torchrun`` started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.device import select_device

# The first process validates and calibrates while the others wait.
_PATIENCE = timedelta(hours=2)


@dataclass(frozen=True)
class Process:
    """This process: its device, and its number among all that train together."""

    device: torch.device
    rank: int = 0
    n_ranks: int = 1


@contextmanager
def training_process(device: str) -> Iterator[Process]:
    """Join the others, if ``torchrun`` left its variables in the environment; leave them in the end.

    Each takes the GPU of its local rank (NCCL), or shares the CPU (Gloo).

    Parameters
    ----------
    device
        ``auto``, ``cpu`` or ``cuda:N``.

    Raises
    ------
    InputError
        If the device is not there, or one GPU is named for several processes.
    """
    n_ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if n_ranks == 1:
        yield Process(select_device(device))
        return
    if device not in ("auto", "cpu"):
        raise InputError(f"--device {device}: {n_ranks} processes cannot share it; use auto, which gives each its own")
    on_gpu = device == "auto" and torch.cuda.is_available()
    chosen = select_device(f"cuda:{os.environ['LOCAL_RANK']}" if on_gpu else "cpu")
    if on_gpu:
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    try:
        yield Process(chosen, distributed.get_rank(), n_ranks)
        # Who is done first waits for the one that still validates and writes.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def leave_ending_to_trainer(worker: int) -> None:
    """Ctrl-C reaches all processes of a terminal, SIGTERM all of a batch job; who trains decides when to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def in_words(device: torch.device, n_ranks: int) -> str:
    """What a run is trained on, for its model card."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU (threads: {torch.get_num_threads()})"
    return name if n_ranks == 1 else f"{name}, {n_ranks} processes"
