"""Small cases on disk: pictures of simulated biopsies with the truth as a reader's markups, or as the simulator's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.ismrmrd_writer import SequenceParameters, write_ismrmrd
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

# Coarser pixels show no guide.
CONFIG = SimulationConfig(frames=3, acceleration=1, coils=1, n_slices=1, matrix=128, motion=False, noise=0.002)


def simulated(seed: int) -> SimulatedSeries:
    """A guide and a needle at rest."""
    return simulate_series(replace(CONFIG, seed=seed))


def write_markups(path: Path, points: dict[str, np.ndarray], system: str = "LPS", name: str = "tips") -> None:
    """As Slicer writes point lists; ``points`` in RAS."""
    flip = np.array([-1, -1, 1]) if system == "LPS" else np.ones(3)
    entries = [
        {"id": str(number), "label": label, "position": (flip * point).tolist(), "positionStatus": "defined"}
        for number, (label, point) in enumerate(points.items(), start=1)
    ]
    markup = {"type": "Fiducial", "name": name, "coordinateSystem": system, "controlPoints": entries}
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")


def write_picture_case(folder: Path, patient: str, case: str, seed: int, frames: int = 3) -> tuple[Path, Path]:
    """``FOLDER/PATIENT/CASE.seq.nrrd`` of magnitude pictures with ``CASE.mrk.json``; (pictures, markups)."""
    series = simulated(seed)
    (folder / patient).mkdir(parents=True, exist_ok=True)
    picture = series.image(0).astype(np.float32)
    images = [
        ImageFrame(picture, series.ijk_to_ras, index, 0.5 * index, 0.5 * index, f"{patient}-{case}")
        for index in range(frames)
    ]
    path, markups = folder / patient / f"{case}.seq.nrrd", folder / patient / f"{case}.mrk.json"
    write_image_sequence(path, images)
    truth = series.truth.frames[0]
    write_markups(markups, {"guide tip": truth.guide_tip, "shaft": truth.guide_tip - 40 * truth.axis})
    return path, markups


def write_simulated_case(folder: Path, patient: str, case: str, seed: int) -> tuple[Path, Path]:
    """``FOLDER/PATIENT/CASE.h5`` of fully sampled k-space with the simulator's truth; (samples, truth)."""
    series = simulated(seed)
    (folder / patient).mkdir(parents=True, exist_ok=True)
    path, truth = folder / patient / f"{case}.h5", folder / patient / f"{case}.json"
    write_ismrmrd(path, series.frames, series.planning, SequenceParameters(4.56, 2.28, series.flip_deg, 3.0))
    series.truth.write(truth)
    return path, truth
