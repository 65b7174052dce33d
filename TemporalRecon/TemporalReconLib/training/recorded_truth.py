"""Where the instrument is in a recording, if the simulator's truth lies beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.truth import FrameTruth
from TemporalReconLib.training.stored_series import VisibleInstrument

_MAX_BYTES = 64 * 2**20


def recorded_instruments(path: Path, n_frames: int, slice_to_ras: Matrix) -> tuple[VisibleInstrument | None, ...]:
    """The instrument in one slice of ``CASE.h5`` by the truth in ``CASE.json``, for each frame.

    None for all frames without such a file: an unknown instrument is like none, training then weighs the whole
    image alike.

    Parameters
    ----------
    slice_to_ras
        Geometry of the slice.

    Raises
    ------
    InputError
        If the file is not the simulator's truth of a series of ``n_frames``.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return (None,) * n_frames
    truths = read_frame_truths(beside, path.name)
    if len(truths) != n_frames:
        raise InputError(f"{beside}: truth of {len(truths)} frames, but {path.name} has {n_frames}; move it away")
    return tuple(
        VisibleInstrument.of(truth, slice_to_ras) if lies_in(slice_to_ras, truth) else None for truth in truths
    )


def read_frame_truths(path: Path, of: str) -> list[FrameTruth]:
    """The simulator's truth of every frame.

    Parameters
    ----------
    of
        Name of the series, for the error.

    Raises
    ------
    InputError
        If the file cannot be read or is something else.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES // 2**20} MB, expected the truth of {of}")
        return [_frame_truth(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["frames"]]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check its rights") from error
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the simulator's truth of {of} ({error}); move it away if it is something else"
        ) from error


def lies_in(slice_to_ras: Matrix, truth: FrameTruth) -> bool:
    """Whether a slice shows the guide."""
    if truth.guide_tip is None or truth.width is None:
        return False
    # A bar reaches its radius beyond its axis; half of that still shows both walls.
    reach = 0.5 + 0.25 * truth.width / spacing_of(slice_to_ras)[2]
    return bool(abs(ras_to_ijk(slice_to_ras, truth.guide_tip)[2]) <= reach)


def _frame_truth(entry: Mapping[str, Any]) -> FrameTruth:
    return FrameTruth(
        index=int(entry["index"]),
        time_s=float(entry["time_s"]),
        visible=bool(entry["visible"]),
        guide_tip=_point(entry["guide_tip"]),
        needle_tip=_point(entry["needle_tip"]),
        axis=_point(entry["axis"]),
        width=None if entry["width"] is None else float(entry["width"]),
    )


def _point(value: Any) -> NDArray[np.float64] | None:
    if value is None:
        return None
    point = np.asarray(value, dtype=np.float64)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise ValueError(f"{value!r:.40} is no point in mm")
    return point
