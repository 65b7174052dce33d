"""Segmenters by what ``--segmenter`` says; a segmenter's module is imported when it is asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.segmentation.segmenter import Segmenter

# Beside the weights of another network, where ``instrument-tracker calibrate`` leaves it.
CALIBRATION_FILE = "inboreguidance-calibration.json"
NETWORK, CLASSICAL, NNUNET, BUNDLE = "network", "classical", "nnunet", "bundle"
DEFAULT_SEGMENTER = NETWORK
# What can be asked for, in words.
SEGMENTERS = (
    "network (ours), classical (no learning: the mask is drawn from the pose), nnunet:FOLDER (a trained nnU-Net v2 "
    "results folder) or bundle:FOLDER (a MONAI bundle)"
)
# A question mark may be part of a folder's name; only this ending is a choice of labels.
_CHOICE = re.compile(r"\?((?:guide|needle)=[^&?]+(?:&(?:guide|needle)=[^&?]+)?)$")


@dataclass(frozen=True)
class SegmenterSpec:
    """``--segmenter`` taken apart.

    Attributes
    ----------
    kind
        ``network``, ``classical``, ``nnunet`` or ``bundle``.
    folder
        Of the model; None for our own segmenters.
    chosen
        Which label is ``guide`` and which ``needle``, as the user says; empty: by the labels' names.
    """

    kind: str
    folder: Path | None = None
    chosen: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> SegmenterSpec:
        """``network``, ``classical``, ``nnunet:FOLDER`` or ``bundle:FOLDER``, with ``?guide=1&needle=2`` if need be.

        Raises
        ------
        InputError
            If it is none of them, or the folder does not exist.
        """
        if text in (NETWORK, CLASSICAL):
            return cls(text)
        kind, colon, rest = text.partition(":")
        if kind not in (NNUNET, BUNDLE) or not colon:
            raise InputError(f"unknown segmenter '{text}', expected {SEGMENTERS}")
        choice = _CHOICE.search(rest)
        name = rest[: choice.start()] if choice else rest
        if not name.strip():
            raise InputError(f"segmenter '{text}' names no folder; expected {kind}:FOLDER")
        if not Path(name).is_dir():
            raise InputError(f"segmenter {kind}:{name}: no such folder; give that of the trained model")
        pairs = [part.split("=", 1) for part in choice[1].split("&")] if choice else []
        return cls(kind, Path(name), {structure: label for structure, label in pairs})


def check_segmenter(spec: str, weights: Path | None = None) -> SegmenterSpec:
    """Find out before torch is imported whether ``spec`` can be meant; :func:`make_segmenter` looks closer.

    Raises
    ------
    InputError
        If ``spec`` is none of the possible ones, its folder does not exist, or weights are given to one without.
    """
    parsed = SegmenterSpec.parse(spec)
    if weights is not None and parsed.kind != NETWORK:
        raise InputError(f"segmenter '{parsed.kind}' takes no weights of its own; leave {weights} out")
    return parsed


def model_of(spec: str, weights: Path | None = None) -> Path | None:
    """Folder or file of a network of the user's own; None for our segmenters as they come.

    Raises
    ------
    InputError
        As :func:`check_segmenter`.
    """
    return check_segmenter(spec, weights).folder or weights


def calibration_file(model: Path) -> Path:
    """Where the calibration of a network lies, given its folder or file."""
    return (model if model.is_dir() else model.parent) / CALIBRATION_FILE


def missing_calibration(spec: str, weights: Path | None = None) -> str:
    """What to tell of a network without a calibration of its own; empty where there is nothing to tell.

    Raises
    ------
    InputError
        As :func:`check_segmenter`.
    """
    model = model_of(spec, weights)
    if model is None or calibration_file(model).is_file():
        return ""
    return (
        f"note: {model} was not calibrated: confidence and spreads are those of the network that comes with this "
        "software; fit them by 'instrument-tracker calibrate'\n"
    )


def make_segmenter(spec: str, device: str = "auto", weights: Path | None = None) -> Segmenter | None:
    """Build what ``--segmenter`` asks for; None for ``classical``: the localizer then draws the mask itself.

    Parameters
    ----------
    device
        ``auto``, ``cpu`` or ``cuda:N``.
    weights
        Of our network; None for those that come with the product.

    Raises
    ------
    InputError
        As :func:`check_segmenter`; also if the folder holds no such model, one that would run code, or one whose
        labels are not known, or if a package is missing that its kind needs.
    """
    parsed = check_segmenter(spec, weights)
    if parsed.kind == CLASSICAL:
        return None
    from TemporalReconLib.reconstruction.device import select_device

    if parsed.folder is None:
        from InstrumentTrackerLib.segmentation.network_segmenter import NetworkSegmenter

        return NetworkSegmenter(select_device(device), weights)
    if parsed.kind == NNUNET:
        from InstrumentTrackerLib.segmentation.nnunet_segmenter import NNUNetSegmenter

        return NNUNetSegmenter(parsed.folder, select_device(device), parsed.chosen)
    from InstrumentTrackerLib.segmentation.bundle_segmenter import BundleSegmenter

    return BundleSegmenter(parsed.folder, select_device(device), parsed.chosen)


def segmenter_files(segmenter: str, weights: Path | None) -> list[Path]:
    """Files of a segmenter's model, of our network's default weights too, and its calibration; none of the classical.

    Raises
    ------
    InputError
        If there are no such weights, or they are no weights of ours.
    """
    spec = SegmenterSpec.parse(segmenter)
    if spec.folder is not None:
        return sorted(path for path in spec.folder.rglob("*") if path.is_file())
    if spec.kind == CLASSICAL:
        return []
    from TemporalReconLib.weights.bundle import default_weights, open_weights

    from InstrumentTrackerLib.segmentation.network_segmenter import METHOD

    if weights is None:
        return [open_weights(default_weights(METHOD), METHOD).source]
    calibration = calibration_file(weights)
    source = weights if weights.is_file() else open_weights(weights, METHOD).source
    return [source, calibration] if calibration.is_file() else [source]
