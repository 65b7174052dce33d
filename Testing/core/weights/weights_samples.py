"""A small network with all kinds of parameters, and how the tests save it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from TemporalReconLib.weights.bundle import save_weights
from TemporalReconLib.weights.model_card import PROSTATEX_DATA, SIMULATED_DATA, ModelCard

CONFIG = {"widths": [4, 6], "remembers": True}
TRAINING = {"steps": 1200, "seconds": 61.5, "seed": 7, "recipe": {"learning rate": 1e-3}}
FIGURES = {"R = 16": {"PSNR (dB)": 31.25, "tip error (mm)": 1.5}, "R = 32": {"PSNR (dB)": 28.0}}
CARD = ModelCard(
    task="Reconstructs frames.",
    description="A network for tests.",
    data=(SIMULATED_DATA, PROSTATEX_DATA),
    limits=("Never saw a patient.",),
    references=("Qin et al., IEEE Trans. Med. Imaging 38:280, 2019",),
)


def a_network(seed: int = 0, width: int = 4) -> torch.nn.Module:
    """Convolution, normalization (with an integer buffer), half precision and channels-last strides."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, width, 3), torch.nn.BatchNorm2d(width), torch.nn.Conv2d(width, 2, 3).bfloat16()
    )
    return network.to(memory_format=torch.channels_last)


def save(folder: Path, network: torch.nn.Module | None = None, method: str = "temporal", **changes: Any) -> str:
    """``save_weights`` with the constants above; returns the digest."""
    given: dict[str, Any] = {"config": CONFIG, "training": TRAINING, "figures": FIGURES, "card": CARD, **changes}
    return save_weights(folder, network or a_network(), method, "Test network", **given)
