"""All runs on the same simulated data: simulate once, reconstruct with every method, measure every frame."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.benchmark.contenders import Contenders
from TemporalReconLib.benchmark.metrics import least_squares_gain, nmse, psnr, region_around, ssim
from TemporalReconLib.benchmark.moments import Moments
from TemporalReconLib.benchmark.runs import Condition, Plan, Run
from TemporalReconLib.benchmark.test_set import snr
from TemporalReconLib.benchmark.tip_finder import InstrumentLine, find_void_end, search_start
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import spacing_of
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series

Image = NDArray[np.float32]
Row = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Finished:
    """Result of one run.

    Attributes
    ----------
    rows
        One per frame, JSON values.
    pictures
        What figures show of it, None where they show nothing.
    seconds
        Spent on reconstruction and measurement.
    """

    run: Run
    rows: list[Row]
    pictures: Arrays | None
    seconds: float = 0.0


class Case:
    """A simulated series with its truth, ready for every method."""

    def __init__(self, plan: Plan, series: int, condition: Condition) -> None:
        config = plan.test_set.config(series, condition.acceleration, condition.mask)
        simulated: SimulatedSeries = simulate_series(config)
        self.frames: list[KSpaceFrame] = list(simulated.frames)
        self.planning = simulated.planning
        self.truths: list[Image] = [simulated.image(n)[0] for n in range(config.frames)]
        self.peak = max(float(truth.max()) for truth in self.truths)
        self.lines = [InstrumentLine.of(truth, simulated.ijk_to_ras, 1) for truth in simulated.truth.frames]
        starts = [None if line is None else search_start(line, config.seed, n) for n, line in enumerate(self.lines)]
        self._starts = starts
        self._floors = [self._tip_error(truth, n) for n, truth in enumerate(self.truths)]
        self._moments = Moments.of(simulated, self.lines)
        self._plan = plan
        self._pixel_mm = float(spacing_of(simulated.ijk_to_ras)[0])
        self._frame_interval_s = simulated.frame_interval_s
        self._common: Row = {
            "seed": config.seed,
            "orientation": config.orientation,
            "anatomy": "procedural" if config.background is None else config.background.name,
            "snr": round(snr(simulated), 2),
        }

    def measure(self, run: Run, images: Mapping[int, Image], marks: Row) -> Finished:
        """Compare the images (row, col) of a run, by frame, with the truth.

        Parameters
        ----------
        marks
            What every row states besides.
        """
        n_frames = len(self.truths)
        missing = sorted(set(range(n_frames)) - images.keys())
        if missing:
            raise InputError(f"method '{run.method}' gave no image of frames {missing}; it cannot be compared")
        shown = [images[n] for n in range(n_frames)]
        gain = least_squares_gain(shown, self.truths)
        scaled = [np.asarray(gain * image, dtype=np.float32) for image in shown]
        identity = {
            "method": run.method,
            "series": run.series,
            "acceleration": run.condition.acceleration,
            "mask": run.condition.mask,
            "planning": run.planning,
        }
        rows = [identity | marks | self._common | {"frame": n} | self._frame_row(scaled[n], n) for n in range(n_frames)]
        return Finished(run, rows, self._pictures(scaled) if self._plan.has_pictures(run) else None)

    def _frame_row(self, image: Image, n: int) -> Row:
        truth, line = self.truths[n], self.lines[n]
        row: Row = {
            "psnr": psnr(image, truth, self.peak),
            "ssim": ssim(image, truth, self.peak),
            "nmse": nmse(image, truth),
        }
        if line is None:
            return row
        region = region_around(*line.tip_pixel, truth.shape)
        return row | {
            "tip": "needle" if line.is_needle else "guide",
            "tip_psnr": psnr(image[region], truth[region], self.peak),
            "tip_ssim": ssim(image[region], truth[region], self.peak),
            "tip_nmse": nmse(image[region], truth[region]),
            "tip_error_mm": self._tip_error(image, n),
            "tip_floor_mm": self._floors[n],
        }

    def _tip_error(self, image: Image, n: int) -> float | None:
        line, start = self.lines[n], self._starts[n]
        return None if line is None or start is None else abs(find_void_end(image, line, start) - line.end_mm)

    def _pictures(self, images: Sequence[Image]) -> Arrays:
        """Images and profiles as fractions of the true peak, the truth's beside the method's."""
        moments = self._moments
        frames = [moments.static, moments.moving]
        tips = [(np.nan, np.nan) if line is None else line.tip_pixel for line in (self.lines[n] for n in frames)]
        kept: Arrays = {
            "frames": np.array(frames),
            "tips": np.array(tips),
            "tip_course_mm": moments.tip_course_mm(),
            "positions_mm": moments.positions_mm(),
            "pixel_mm": np.array(self._pixel_mm),
            "frame_interval_s": np.array(self._frame_interval_s),
        }
        for name, shown in (("truth", self.truths), ("image", images)):
            kept[name] = np.stack([shown[n] / self.peak for n in frames]).astype(np.float16)
            kept[f"{name}_profiles"] = np.stack([moments.profile(image / self.peak) for image in shown]).astype(
                np.float16
            )
        return kept


def run_case(plan: Plan, contenders: Contenders, runs: Sequence[Run], marks: Mapping[str, Row]) -> Iterator[Finished]:
    """Simulate what the runs have in common and do them one by one.

    Parameters
    ----------
    marks
        By method, what its rows state besides.
    """
    case = Case(plan, runs[0].series, runs[0].condition)
    for run in runs:
        start = time.perf_counter()
        images = contenders.images(run.method, case.frames, case.planning if run.planning else None)
        finished = case.measure(run, {n: image.data[0] for n, image in images.items()}, marks.get(run.method, {}))
        yield replace(finished, seconds=time.perf_counter() - start)
