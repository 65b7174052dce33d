"""Instrument points that a reader set in Slicer (``.mrk.json``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.targeting.slicer_markups import ControlPoint, read_control_points

Point = NDArray[np.float64]

GUIDE, NEEDLE, SHAFT = "guide", "needle", "shaft"
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
    found: dict[int | None, dict[str, Point]] = {None: {}}
    for point in read_control_points(path):
        kind = _kind(point)
        frame = _FRAME.search(point.description)
        points_of_frame = found.setdefault(None if frame is None else int(frame[1]), {})
        if point.position is None:
            continue
        if kind in points_of_frame:
            raise InputError(f"{point.where}: a second '{kind}' of the same frame; leave one")
        points_of_frame[kind] = point.position
    return {frame: MarkedPoints(**points) for frame, points in found.items()}


def _kind(point: ControlPoint) -> str:
    for text in (point.label.lower(), point.list_name.lower()):
        kinds = [kind for kind in (GUIDE, NEEDLE, SHAFT) if kind in text]
        if len(kinds) == 1:
            return kinds[0]
        if len(kinds) > 1:
            break
    raise InputError(f"{point.where}.label is '{point.label}'; expected one that contains guide, needle or shaft")
