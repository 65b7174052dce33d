"""Result rows of made-up studies, as the runs would have written them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion
from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig
from InstrumentTrackerLib.evaluation.study.runs.journal import Journal
from InstrumentTrackerLib.evaluation.study.study import Study

Row = dict[str, Any]
# Of a method at an acceleration: mm to add, share of frames that fail.
Effect = tuple[float, float]


def planted_rows(
    config: StudyConfig,
    effects: Mapping[tuple[str, float], Effect],
    n_patients: int,
    n_frames: int = 8,
    origin: str = "real",
    seed: int = 0,
) -> list[Row]:
    """One case per patient; every tenth frame is known to be empty, and has a false alarm now and then."""
    rows = []
    for patient in range(n_patients):
        generator = np.random.default_rng([seed, patient])
        difficulty = generator.gamma(4.0, 0.35)
        common = np.abs(generator.normal(difficulty, 0.5, n_frames))
        fails = generator.beta(0.2, 10.0)
        identity = {
            "patient": f"{origin[0]}{patient:02d}",
            "case": "scan",
            "group": "",
            "origin": origin,
            "data": "pictures",
            "fingerprint": "f",
            "version": "v",
        }
        runs = [(REFERENCE, 1.0, "", 0, (0.0, 0.0))]
        for mask in config.masks:
            runs += [(*name, mask, number, effect) for name, effect in effects.items() for number in config.seeds]
        for method, acceleration, mask, number, (more_mm, more_failing) in runs:
            errors = np.abs(common + generator.normal(0, 0.4, n_frames)) + more_mm
            share = min(1.0, fails + more_failing * generator.uniform(0.5, 1.5))
            found = generator.random(n_frames) >= share
            frames = [_frame(generator, n, errors[n], bool(found[n]), acceleration) for n in range(n_frames)]
            row = identity | {"method": method, "acceleration": acceleration, "mask": mask, "seed": number}
            row["frames"] = frames
            if method == REFERENCE:
                row["readings"] = _readings(generator)
            rows.append(row)
    return rows


def study_of(folder: Path, config: StudyConfig, rows: Iterable[Row], excluded: Iterable[Exclusion] = ()) -> Study:
    """As if these rows had been computed."""
    provenance = {"software": "InBoreGuidance (made-up rows)"}
    return Study(config, list(rows), list(excluded), Journal(folder, "v"), provenance)


def _frame(generator: np.random.Generator, index: int, error: float, is_found: bool, acceleration: float) -> Row:
    row: Row = {"frame": index, "visible": index % 10 != 9, "guide_true": index % 10 != 9, "needle_true": False}
    row |= {"needle_found": False, "has_needle": False, "state": "tracked" if is_found else "lost"}
    row |= {"psnr": round(40 - acceleration / 4 + generator.normal(), 3), "ssim": 0.9, "nmse": 0.01}
    if acceleration > 1:
        row |= {"noise": acceleration / 200, "snr": 200 / acceleration, "cnr": 40 / acceleration}
        row["noise_spectrum"] = [acceleration / (1 + n) for n in range(16)]
    if row["visible"]:
        # Of eight channels one tells the tip, by 16 / R standard deviations but 4 at most.
        outputs = generator.normal(0, 1, (3, 8))
        outputs[0, 2] += min(4.0, 16 / acceleration)
        row |= {"tip_channels": outputs[0].tolist(), "beside_channels": outputs[1:].tolist()}
    if not row["visible"]:
        is_found = bool(generator.random() < 0.05)
    row |= {"guide_found": is_found, "has_numbers": is_found, "confidence": 0.0}
    if is_found:
        row["confidence"] = round(float(np.clip(1.1 - error / 8 + generator.normal(0, 0.05), 0.05, 1)), 4)
    if is_found and row["visible"]:
        row |= {
            "guide_error_mm": round(float(error), 4),
            "guide_in_plane_mm": round(0.9 * float(error), 4),
            "axis_error_deg": round(float(abs(generator.normal(1, 0.5))), 4),
            "dice": round(float(np.clip(generator.normal(0.8, 0.05), 0, 1)), 4),
            "hd95_mm": round(float(abs(generator.normal(3, 1))), 4),
            "sensitivity": 0.85,
            "specificity": 0.999,
        }
    return row


def _readings(generator: np.random.Generator) -> list[Row]:
    place = generator.normal(0, 20, 3)
    return [
        {"reader": name, "frame": 0, "guide": (place + generator.normal(bias, 1.0, 3)).tolist(), "needle": None}
        for name, bias in (("annotations", 0.0), ("ann", 0.5))
    ]
