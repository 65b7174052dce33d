"""Methods by the name that ``--method`` takes; a method's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.plugins import make_plugin, plugin_names
from TemporalReconLib.reconstruction.reconstructor import Reconstructor

DEFAULT_METHOD = "temporal"


class Method(NamedTuple):
    """Where a method is found.

    Attributes
    ----------
    module, class_name
        In this package. The class is made with a ``torch.device``, and a learned one also with the path of its
        weights or None for those that come with the product.
    has_weights
        True for a learned method.
    """

    module: str
    class_name: str
    has_weights: bool = False


METHODS = {
    "temporal": Method("temporal_reconstruction", "TemporalReconstruction", has_weights=True),
    "bcrnn": Method("crnn_reconstruction", "BidirectionalCrnn", has_weights=True),
    "nontemporal": Method("crnn_reconstruction", "NontemporalCrnn", has_weights=True),
    "compressed-sensing": Method("compressed_sensing", "CompressedSensing"),
    "sliding-window": Method("sliding_window", "SlidingWindow"),
    "zero-filled": Method("zero_filled", "ZeroFilled"),
}
# Built in, then those that installed distributions add.
METHOD_NAMES = (*METHODS, *plugin_names(METHODS))


def check_method(name: str, weights: Path | None = None) -> None:
    """Raises InputError if there is no method of this name, or weights are given to one that has none."""
    if name not in METHOD_NAMES:
        raise InputError(f"unknown method '{name}', expected one of: {', '.join(METHOD_NAMES)}")
    if weights is not None and name in METHODS and not METHODS[name].has_weights:
        raise InputError(f"method '{name}' has no weights; leave --weights {weights} out")


def make_reconstructor(name: str, device: str = "auto", weights: Path | None = None) -> Reconstructor:
    """Build a method on a device (``auto``, ``cpu``, ``cuda:N``); without ``weights`` a learned one uses its own.

    Raises
    ------
    InputError
        If the method or the device is unknown, weights are given to a method that has none, or weights do not fit.
    """
    check_method(name, weights)
    from TemporalReconLib.reconstruction.device import select_device

    if name not in METHODS:
        return make_plugin(name, select_device(device), weights)
    method = METHODS[name]
    build = getattr(import_module(f"TemporalReconLib.reconstruction.{method.module}"), method.class_name)
    arguments = (select_device(device), weights) if method.has_weights else (select_device(device),)
    reconstructor: Reconstructor = build(*arguments)
    return reconstructor
