"""A reader study as readers would have left it, with known errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from InstrumentTrackerLib.reading.joined import Reading, ReadingRow
from InstrumentTrackerLib.reading.reading_key import PictureKey

# (method, acceleration): mm of error along R, share of pictures in which the tip is not seen.
Effects = Mapping[tuple[str, float], tuple[float, float]]


def planted_reading(
    effects: Effects, n_readers: int = 3, n_patients: int = 30, origin: str = "real", seed: int = 0
) -> Reading:
    """Every fifth patient has no tip; reader n is n mm off along A; a minute is a picture's time."""
    generator = np.random.default_rng(seed)
    rows = []
    for reader in range(1, n_readers + 1):
        for patient in range(n_patients):
            tip = (float(patient), 20.0, -30.0) if patient % 5 else None
            for (method, acceleration), (error_mm, unseen) in effects.items():
                picture = PictureKey(
                    patient=f"{origin[0]}{patient:02d}",
                    case="scan",
                    frame=0,
                    origin=origin,
                    method=method,
                    acceleration=acceleration,
                    mask="" if method == "reference" else "paper",
                    seed=0,
                    fingerprint="f",
                    tip=tip,
                )
                is_marked = tip is not None and generator.random() >= unseen
                offset = np.array([error_mm, float(reader), 0.0]) + generator.normal(0, 0.2, 3)
                marked = None if not is_marked or tip is None else tuple(float(value) for value in np.add(tip, offset))
                error = None if marked is None or tip is None else round(float(np.linalg.norm(offset)), 4)
                rows.append(ReadingRow(reader, picture, marked, error, 4 if is_marked else 2, 60.0))
    count = n_patients * len(effects)
    return Reading(tuple(rows), {reader: (count, count) for reader in range(1, n_readers + 1)})
