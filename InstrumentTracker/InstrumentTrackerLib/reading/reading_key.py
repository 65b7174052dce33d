"""What the numbered pictures of a reading are; kept away from the readers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.reading.answers import Position
from InstrumentTrackerLib.reading.reading_list import FORMAT, read_object


@dataclass(frozen=True)
class PictureKey:
    """One picture.

    Attributes
    ----------
    patient, case, frame
        Of the study; ``frame`` is the place in the series, from 0.
    origin
        ``real`` or ``simulated``.
    method, acceleration, mask, seed
        How it was made; the reference has acceleration 1, no mask and seed 0.
    fingerprint
        Of the case's files when the picture was made.
    tip
        Where the tip is, RAS mm; None where it is known not to be in the picture.
    """

    patient: str
    case: str
    frame: int
    origin: str
    method: str
    acceleration: float
    mask: str
    seed: int
    fingerprint: str
    tip: Position | None


@dataclass(frozen=True)
class ReadingKey:
    """The whole reading.

    Attributes
    ----------
    reading
        As in the readers' lists.
    point
        ``guide`` or ``needle``.
    pictures
        By number as text.
    provenance
        What the pictures were made with, and the seed of the order.
    excluded
        (patient, case, reason).
    """

    reading: str
    point: str
    pictures: Mapping[str, PictureKey]
    provenance: Mapping[str, Any]
    excluded: tuple[tuple[str, str, str], ...] = ()


def write_key(path: Path, key: ReadingKey) -> None:
    """Raises InputError if it cannot be written."""
    content = {
        "format": FORMAT,
        "reading": key.reading,
        "point": key.point,
        "provenance": key.provenance,
        "excluded": key.excluded,
        "pictures": {number: asdict(picture) for number, picture in key.pictures.items()},
    }
    with written_atomically(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_key(path: Path) -> ReadingKey:
    """Raises InputError that names the file and what is wrong with it."""
    content = read_object(path)
    try:
        pictures = {
            str(number): PictureKey(**(entry | {"tip": None if entry["tip"] is None else _position(entry["tip"])}))
            for number, entry in content["pictures"].items()
        }
        return ReadingKey(
            str(content["reading"]),
            str(content["point"]),
            pictures,
            dict(content["provenance"]),
            tuple((str(patient), str(case), str(reason)) for patient, case, reason in content["excluded"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: no key of a reading ({error!r})") from error


def _position(values: Any) -> Position:
    r, a, s = values
    return float(r), float(a), float(s)
