"""Points of Slicer's markups files (``.mrk.json``)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, transform_points

from InstrumentTrackerLib.localization.instrument_pose import Point

_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class ControlPoint:
    """One point of a list.

    Attributes
    ----------
    label, list_name, description
        As Slicer shows them; empty where there are none.
    position
        RAS mm (3,), None where the point is not placed.
    where
        File and field, for messages.
    """

    label: str
    list_name: str
    description: str
    position: Point | None
    where: str


def read_control_points(path: Path) -> Iterator[ControlPoint]:
    """All points of all lists of a file, in its order.

    Raises
    ------
    InputError
        If the file is no markups, or a point has no place or an unknown coordinate system.
    """
    for number, markup in enumerate(_content(path)):
        system = str(markup.get("coordinateSystem", "LPS")).upper()
        if system not in ("LPS", "RAS"):
            raise InputError(f"{path}: field 'markups[{number}].coordinateSystem' is '{system}'; expected LPS or RAS")
        points = markup.get("controlPoints", [])
        for index, entry in enumerate(points if isinstance(points, list) else []):
            where = f"{path}: field 'markups[{number}].controlPoints[{index}]'"
            if not isinstance(entry, dict):
                raise InputError(f"{where}: expected an object")
            is_placed = entry.get("positionStatus", "defined") == "defined"
            yield ControlPoint(
                label=str(entry.get("label", "")),
                list_name=str(markup.get("name", "")),
                description=str(entry.get("description", "")),
                position=_position(entry, system, where) if is_placed else None,
                where=where,
            )


def _content(path: Path) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES // 2**20} MB, expected Slicer markups")
        markups = json.loads(path.read_text(encoding="utf-8"))["markups"]
        if isinstance(markups, list) and all(isinstance(each, dict) for each in markups):
            return markups
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except InputError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not Slicer markups ({error})") from error
    raise InputError(f"{path}: field 'markups' is no list of objects")


def _position(entry: Mapping[str, Any], system: str, where: str) -> Point:
    try:
        point = np.asarray(entry["position"], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise InputError(f"{where}.position: expected three numbers in mm, got {entry.get('position')!r:.60}")
    return point if system == "RAS" else transform_points(LPS_TO_RAS, point)
