"""Methods by the name that ``--method`` takes; a method's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.reconstructor import Reconstructor

DEFAULT_METHOD = "compressed-sensing"

_METHODS = {
    "compressed-sensing": ("compressed_sensing", "CompressedSensing"),
    "sliding-window": ("sliding_window", "SlidingWindow"),
    "zero-filled": ("zero_filled", "ZeroFilled"),
}
METHOD_NAMES = tuple(_METHODS)


def check_method(name: str, weights: Path | None = None) -> None:
    """Raises InputError if there is no method of this name, or weights are given to one that has none."""
    if name not in _METHODS:
        raise InputError(f"unknown method '{name}', expected one of: {', '.join(METHOD_NAMES)}")
    if weights is not None:
        raise InputError(f"method '{name}' has no weights; leave --weights {weights} out")


def make_reconstructor(name: str, device: str = "auto", weights: Path | None = None) -> Reconstructor:
    """Build a method on a device (``auto``, ``cpu``, ``cuda:N``).

    Raises
    ------
    InputError
        If the method or the device is unknown, or weights are given to a method that has none.
    """
    check_method(name, weights)
    from TemporalReconLib.reconstruction.device import select_device

    module, class_name = _METHODS[name]
    reconstructor: Reconstructor = getattr(import_module(f"TemporalReconLib.reconstruction.{module}"), class_name)(
        select_device(device)
    )
    return reconstructor
