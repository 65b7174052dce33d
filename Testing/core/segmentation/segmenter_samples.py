"""Frames and a tiny MONAI bundle, as the tests of segmenters use them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.networks.nets import BasicUNet
from scipy.ndimage import gaussian_filter
from TemporalReconLib.acquisition.image_frame import ImageFrame

NETWORK = {"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "features": [4, 4, 4, 4, 4, 4]}
CHANNELS = {"0": "background", "1": "guide", "2": "needle"}


class Vandal:
    """Unpickled, it makes a folder: stands for anything worse."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def a_frame(shape=(2, 48, 64), spacing=(1.0, 1.0, 3.0), seed: int = 0) -> ImageFrame:
    """Smooth structures; spacing along i, j, k in mm."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    data = gaussian_filter(noise, (0.5, 3, 3)).astype(np.float32)
    return ImageFrame(np.exp(8 * data).astype(np.float32), np.diag([*spacing, 1.0]), index=7)


def a_unet(seed: int = 3, **changes: Any) -> BasicUNet:
    torch.manual_seed(seed)
    return BasicUNet(**{**NETWORK, **changes}).eval()


def write_bundle(
    folder: Path, network: torch.nn.Module, config: dict[str, Any] | None = None, channels: Any = None
) -> Path:
    """A bundle of BasicUNet; ``config`` replaces entries of its inference.json."""
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    entries = {
        "imports": ["$import os"],
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": {"_target_": "BasicUNet", **NETWORK},
        "network": "$@network_def.to(@device)",
        **(config or {}),
    }
    outputs = {"pred": {"type": "image", "channel_def": CHANNELS if channels is None else channels}}
    metadata = {"network_data_format": {"inputs": {"image": {"num_channels": 1}}, "outputs": outputs}}
    (folder / "configs/inference.json").write_text(json.dumps(entries), "utf-8")
    (folder / "configs/metadata.json").write_text(json.dumps(metadata), "utf-8")
    torch.save(network.state_dict(), folder / "models/model.pt")
    return folder
