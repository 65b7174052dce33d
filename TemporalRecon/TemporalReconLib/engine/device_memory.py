"""Which device an engine computes on, and how much of its memory is free."""

from __future__ import annotations

import ctypes
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

logger = logging.getLogger(__name__)

_LOOK_PERIOD_S = 1.0
_MEMINFO = Path("/proc/meminfo")


@dataclass(frozen=True)
class DeviceState:
    """A device by its name, and its free memory; None where that is not known."""

    name: str
    free_bytes: int | None


class DeviceWatch:
    """What was last seen of a device, for threads that must not wait for it."""

    def __init__(self, device: torch.device) -> None:
        self.state = DeviceState(device_text(device), None)
        self._looked_s = -_LOOK_PERIOD_S

    def look(self, device: torch.device) -> None:
        """Look again, once a second; call it from the thread that computes, the only one that a device may hang."""
        now = time.monotonic()
        if now - self._looked_s < _LOOK_PERIOD_S:
            return
        self._looked_s = now
        try:
            self.state = DeviceState(device_text(device), free_bytes(device))
        except (RuntimeError, OSError) as error:  # a GPU that is lost: the next frame meets it, and tells
            logger.warning("the device does not answer: %s", error)


def device_text(device: torch.device) -> str:
    """``cpu``, or the GPU with its name: ``cuda:0 NVIDIA H200``."""
    return f"{device} {torch.cuda.get_device_name(device)}" if device.type == "cuda" else str(device)


def free_bytes(device: torch.device) -> int | None:
    """Free memory of a GPU, or of the computer for the CPU; None where the system does not tell.

    Asks the driver, which may wait for a device that hangs.
    """
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else _free_bytes_of_computer()


def _free_bytes_of_computer() -> int | None:
    if sys.platform == "win32":
        status = _WindowsMemoryStatus(length=ctypes.sizeof(_WindowsMemoryStatus))
        is_told = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.available_physical) if is_told else None
    if not _MEMINFO.is_file():
        return None
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text(encoding="ascii").splitlines())
    return 1024 * int(lines["MemAvailable"].split()[0]) if "MemAvailable" in lines else None


class _WindowsMemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load_percent", ctypes.c_uint32),
        ("total_physical", ctypes.c_uint64),
        ("available_physical", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended_virtual", ctypes.c_uint64),
    )
