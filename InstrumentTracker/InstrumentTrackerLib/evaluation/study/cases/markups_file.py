"""Instrument points that a reader set in Slicer (``.mrk.json``)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, transform_points

Point = NDArray[np.float64]

GUIDE, NEEDLE, SHAFT = "guide", "needle", "shaft"
_MAX_BYTES = 64 * 2**20
_FRAME = re.compile(r"\bframe\D{0,2}(\d+)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class MarkedPoints:
    """Points of one frame, or of all frames.

    Attributes
    ----------
    guide, needle
        Tips, RAS mm (3,), None where not marked.
    shaft
        A point on the axis outside of the guide's tip, None where not marked.
    """

    guide: Point | None = None
    needle: Point | None = None
    shaft: Point | None = None

    @property
    def axis(self) -> Point | None:
        """Unit vector from outside toward the tip, RAS; None where two points do not tell it."""
        tip = self.guide if self.guide is not None else self.needle
        if tip is None or self.shaft is None:
            return None
        length = float(np.linalg.norm(tip - self.shaft))
        return (tip - self.shaft) / length if length > 0 else None


def read_markups(path: Path) -> dict[int | None, MarkedPoints]:
    """Points by frame number; those of all frames under None.

    A point's label, else the label of its markup, says what it is: it contains ``guide``, ``needle`` or ``shaft``. A
    description ``frame 12`` binds it to that frame (from 0). Points that are not placed count as not visible. A label
    may stand once for each frame.

    Raises
    ------
    InputError
        If the file is no markups, or a point has no known name, no place or an unknown coordinate system.
    """
    content = _content(path)
    found: dict[int | None, dict[str, Point]] = {None: {}}
    for number, markup in enumerate(content):
        system = str(markup.get("coordinateSystem", "LPS")).upper()
        if system not in ("LPS", "RAS"):
            raise InputError(f"{path}: field 'markups[{number}].coordinateSystem' is '{system}'; expected LPS or RAS")
        points = markup.get("controlPoints", [])
        for index, entry in enumerate(points if isinstance(points, list) else []):
            where = f"{path}: field 'markups[{number}].controlPoints[{index}]'"
            if not isinstance(entry, dict):
                raise InputError(f"{where}: expected an object")
            kind = _kind(entry, markup, where)
            frame = _FRAME.search(str(entry.get("description", "")))
            points_of_frame = found.setdefault(None if frame is None else int(frame[1]), {})
            if entry.get("positionStatus", "defined") != "defined":
                continue
            if kind in points_of_frame:
                raise InputError(f"{where}: a second '{kind}' of the same frame; leave one")
            points_of_frame[kind] = _position(entry, system, where)
    return {frame: MarkedPoints(**points) for frame, points in found.items()}


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


def _kind(entry: Mapping[str, Any], markup: Mapping[str, Any], where: str) -> str:
    for text in (str(entry.get("label", "")).lower(), str(markup.get("name", "")).lower()):
        kinds = [kind for kind in (GUIDE, NEEDLE, SHAFT) if kind in text]
        if len(kinds) == 1:
            return kinds[0]
        if len(kinds) > 1:
            break
    raise InputError(f"{where}.label is '{entry.get('label', '')}'; expected one that contains guide, needle or shaft")


def _position(entry: Mapping[str, Any], system: str, where: str) -> Point:
    try:
        point = np.asarray(entry["position"], dtype=np.float64)
    except (KeyError, TypeError, ValueError):
        point = np.empty(0)
    if point.shape != (3,) or not np.all(np.isfinite(point)):
        raise InputError(f"{where}.position: expected three numbers in mm, got {entry.get('position')!r:.60}")
    return point if system == "RAS" else transform_points(LPS_TO_RAS, point)
