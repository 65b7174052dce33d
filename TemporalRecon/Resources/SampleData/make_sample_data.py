"""Makes the sample case of this folder; README.md says how it is called.

The planning scan shows the patient before the instrument enters. Each frame of the series is a fully sampled snapshot
of the simulated biopsy at the middle of a frame of its R = 16 acquisition, so that the needle moves as fast as it would
between two real frames and nothing is blurred within one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray
from TemporalReconLib.geometry import LPS_TO_RAS
from TemporalReconLib.simulation.simulated_series import PLANNING_PAUSE_S, SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

NAME = "InBoreBiopsySimulated"
CASE = SimulationConfig(frames=40, acceleration=16.0, coils=1, seed=2, n_slices=3, matrix=160, noise=0.006)
# Gray levels up to the 99th percentile. Fewer would show as steps, more would only store noise.
LEVELS = 64


def main(folder: Path) -> None:
    series = simulate_series(CASE)
    generator = np.random.default_rng(CASE.seed)
    planning = snapshot(series, -PLANNING_PAUSE_S, False, generator)
    frames = [snapshot(series, series.mid_time_s(index), True, generator) for index in range(CASE.frames)]
    write(folder / f"{NAME}-Planning.nrrd", planning, volume_header(series))
    write(folder / f"{NAME}.seq.nrrd", np.stack(frames), sequence_header(series))
    # Slicer shows this slice with its rows from top to bottom, as the file has them.
    imsave(folder / f"{NAME}.png", frames[-1][CASE.n_slices // 2], cmap="gray", vmin=0, vmax=1.2 * LEVELS)
    series.truth.write(folder / f"{NAME}.truth.json")
    for role, point in (("Target", series.plan.target), ("Entry", series.plan.entry)):
        content = json.dumps(point_list(role, point), indent=1)
        (folder / f"{NAME}-{role}.mrk.json").write_text(content + "\n", encoding="utf-8")


def snapshot(
    series: SimulatedSeries, time_s: float, with_instrument: bool, generator: np.random.Generator
) -> NDArray[np.int16]:
    """Magnitude at one moment, int16 (slice, row, col)."""
    image = series.object_at(time_s, with_instrument)
    noise = generator.standard_normal((*image.shape, 2)) @ np.array([1.0, 1.0j])
    return np.round(LEVELS * np.abs(image + series.noise_std * noise) / series.level).astype(np.int16)


def write(path: Path, pixels: NDArray[np.int16], header: dict[str, Any]) -> None:
    nrrd.write(str(path), pixels, header, compression_level=9, index_order="C")


def volume_header(series: SimulatedSeries) -> dict[str, Any]:
    """NRRD header of one volume."""
    ijk_to_lps = LPS_TO_RAS @ series.ijk_to_ras
    return {
        "space": "left-posterior-superior",
        "kinds": ["domain", "domain", "domain"],
        "space directions": ijk_to_lps[:3, :3].T,
        "space origin": ijk_to_lps[:3, 3],
        "encoding": "gzip",
    }


def sequence_header(series: SimulatedSeries) -> dict[str, Any]:
    """NRRD header of a Slicer sequence: volumes over time in seconds."""
    volume = volume_header(series)
    times = [f"{series.start_time_s(index):.4f}" for index in range(CASE.frames)]
    return volume | {
        "kinds": [*volume["kinds"], "list"],
        "labels": ["", "", "", "time"],
        "units": ["", "", "", "s"],
        "space directions": np.vstack([volume["space directions"], np.full(3, np.nan)]),
        "DataNodeClassName": "vtkMRMLScalarVolumeNode",
        "axis 3 index type": "numeric",
        "axis 3 index values": " ".join(times),
    }


def point_list(role: str, point: NDArray[np.float64]) -> dict[str, Any]:
    """A Slicer point list of one point, mm, RAS."""
    position = [round(float(value), 2) for value in point]
    markups = {
        "type": "Fiducial",
        "coordinateSystem": "RAS",
        "lastUsedControlPointNumber": 1,  # without it Slicer gives the next point this one's ID
        "controlPoints": [{"id": "1", "label": role, "position": position, "positionStatus": "defined"}],
    }
    schema = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    return {"@schema": f"{schema}markups-schema-v1.0.3.json#", "markups": [markups]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
