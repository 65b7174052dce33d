"""Where tensors live: a GPU where one is found, else the CPU."""

from __future__ import annotations

from typing import Any

import torch

from TemporalReconLib.errors import InputError


def select_device(name: str = "auto") -> torch.device:
    """Resolve ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises
    ------
    InputError
        If the device is unknown or not present on this machine.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise InputError(f"unknown device '{name}', expected auto, cpu or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device '{name}' is not there: {torch.cuda.device_count()} CUDA devices found; use --device cpu or auto"
        )
    return device


def computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster there: GPUs, and CPUs with instructions for it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
