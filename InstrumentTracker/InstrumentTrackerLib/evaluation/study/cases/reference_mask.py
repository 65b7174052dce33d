"""Instrument masks that a reader drew: Slicer segmentations and label maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.frame_series import FrameList, Repeated, Series, arrange_frames
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.nrrd_reader import READ_ERRORS, read_nrrd_series
from TemporalReconLib.errors import InputError

_NAMES = ("guide", "needle", "instrument")
_SEGMENTATION = (".seg.nrrd",)


def read_masks(path: Path, frames: str, n_frames: int) -> Series:
    """Frames whose pixels are 1 where guide or needle is, 0 elsewhere.

    Of a Slicer segmentation the segments named guide, needle or instrument count, or its only one; of any other label
    map all labels. One mask serves all frames.

    Parameters
    ----------
    frames, n_frames
        How the images are played, and how many frames that gives.

    Raises
    ------
    InputError
        If the file cannot be read, no segment is the instrument's, or the number of frames does not fit.
    """
    series = read_nrrd_series(path)
    volumes = [volume for volume in series if isinstance(volume, ImageFrame)]
    if path.name.lower().endswith(_SEGMENTATION):
        volumes = [_union(path, volumes)]
    else:
        volumes = [replace(volume, data=(volume.data > 0).astype(np.float32)) for volume in volumes]
    masks: Series = FrameList(series.name, volumes)
    if frames != "time":
        masks = arrange_frames(masks, frames, path)
    elif len(masks) == 1:
        masks = Repeated(volumes[0], n_frames, series.name)
    if len(masks) != n_frames:
        raise InputError(f"mismatched geometry: {path} has {len(masks)} masks for {n_frames} frames")
    return masks


def mask_pixels(masks: Series, index: int) -> NDArray[np.bool_]:
    """bool (slice, row, col) of one frame."""
    return np.asarray(masks.frame(index).data > 0)


def _union(path: Path, layers: list[ImageFrame]) -> ImageFrame:
    header = _header(path)
    segments = {number: name for number in range(len(header)) if (name := header.get(f"Segment{number}_Name"))}
    chosen = [number for number, name in segments.items() if any(word in str(name).lower() for word in _NAMES)]
    if not segments:
        return replace(layers[0], data=(layers[0].data > 0).astype(np.float32))
    if not chosen and len(segments) == 1:
        chosen = list(segments)
    if not chosen:
        raise InputError(
            f"{path}: no segment is named {' or '.join(_NAMES)}; it has {', '.join(map(str, segments.values()))}"
        )
    pixels = np.zeros(layers[0].data.shape, dtype=np.float32)
    for number in chosen:
        layer, label = (_whole(path, header, f"Segment{number}_{key}") for key in ("Layer", "LabelValue"))
        if layer >= len(layers):
            raise InputError(f"{path}: field 'Segment{number}_Layer' is {layer}, but there are {len(layers)} layers")
        pixels[np.round(layers[layer].data) == label] = 1
    return replace(layers[0], data=pixels)


def _header(path: Path) -> Mapping[str, Any]:
    import nrrd

    try:
        return dict(nrrd.read_header(str(path)))
    except READ_ERRORS as error:
        raise InputError(f"{path}: not a readable NRRD file") from error


def _whole(path: Path, header: Mapping[str, Any], name: str) -> int:
    try:
        return int(header[name])
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: field '{name}' is no whole number; save the segmentation again") from error
