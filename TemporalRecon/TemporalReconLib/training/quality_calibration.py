"""Fits the quality signal of a trained network on simulated successes and failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import rankdata

from TemporalReconLib.acquisition.image_frame import RELIABLE_FROM
from TemporalReconLib.networks.image_quality import N_FEATURES, QualityModel
from TemporalReconLib.reconstruction.temporal_reconstruction import TemporalReconstruction
from TemporalReconLib.simulation.simulated_series import SimulatedSeries
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SimulationConfig
from TemporalReconLib.training.failures import FAILURES, Failure
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM

GOOD_BELOW = 0.12
_SEEDS_FROM = VALIDATION_SEEDS_FROM + 50_000
_ACCELERATIONS = (8.0, 16.0, 32.0)
_N_FRAMES = 12
_MATRIX = 256
_N_FITTED = 64
_N_TESTED = 32
# From this frame on a failure that begins during the series is there.
_BEGINS = 6


@dataclass(frozen=True)
class JudgedFrames:
    """What was seen of many frames, and how good they really were.

    Attributes
    ----------
    features
        float64 (frame, feature) of :class:`~TemporalReconLib.networks.image_quality.QualityEvidence`.
    errors
        float64 (frame,), relative error of the magnitude.
    failures
        Name of what was done to each.
    """

    features: NDArray[np.float64]
    errors: NDArray[np.float64]
    failures: tuple[str, ...]


def judged_frames(
    reconstruction: TemporalReconstruction,
    numbers: Sequence[int],
    report: Callable[[int, int], None] | None = None,
) -> JudgedFrames:
    """Reconstruct simulated series, most of them disturbed.

    Parameters
    ----------
    numbers
        Series to make, from 0; the same number is always the same series. Those for fitting and those for testing
        must differ.
    report
        Called with series done and their number.
    """
    features, errors, names = [], [], []
    for done, number in enumerate(numbers):
        failure = FAILURES[number % len(FAILURES)]
        for evidence, error, name in _one_series(reconstruction, number, failure):
            features.append(evidence)
            errors.append(error)
            names.append(name)
        if report is not None:
            report(done + 1, len(numbers))
    return JudgedFrames(np.array(features), np.array(errors), tuple(names))


def fit_quality(frames: JudgedFrames) -> QualityModel:
    """Logistic regression, lightly regularised; error and misfit can only lower the quality."""
    good = frames.errors <= GOOD_BELOW
    inputs = np.column_stack([np.ones(len(good)), frames.features])

    def loss(parameters: NDArray[np.float64]) -> float:
        scores = inputs @ parameters
        return float(np.mean(np.logaddexp(0.0, np.where(good, -scores, scores)))) + 1e-3 * float(
            parameters[1:] @ parameters[1:]
        )

    bounds = [(None, None)] + [(None, 0.0)] * N_FEATURES
    found = minimize(loss, np.zeros(N_FEATURES + 1), method="L-BFGS-B", bounds=bounds).x
    return QualityModel(float(found[0]), (float(found[1]), float(found[2]), float(found[3])), GOOD_BELOW)


@dataclass(frozen=True)
class CalibratedQuality:
    """A quality model, and the figures of :func:`quality_figures` on series that it was not fitted on."""

    model: QualityModel
    figures: dict[str, float]


def calibrate(
    reconstruction: TemporalReconstruction, report: Callable[[int, int], None] | None = None
) -> CalibratedQuality:
    """Fit the quality on some simulated series, and see on others how well it tells good frames from bad ones."""
    n_all = _N_FITTED + _N_TESTED

    def count(done: int, _: int) -> None:
        if report is not None:
            report(done, n_all)

    def count_tested(done: int, _: int) -> None:
        count(_N_FITTED + done, n_all)

    fitted = judged_frames(reconstruction, range(_N_FITTED), count)
    tested = judged_frames(reconstruction, range(_N_FITTED, n_all), count_tested)
    model = fit_quality(fitted)
    return CalibratedQuality(model, quality_figures(model, tested))


def quality_figures(model: QualityModel, frames: JudgedFrames) -> dict[str, float]:
    """How well a model tells good frames from bad ones.

    The area under the receiver operating characteristic by ranks (Mann and Whitney), the shares of bad and of good
    frames that are marked as unreliable, and the expected calibration error over ten bins (Guo et al., ICML 2017).
    """
    qualities = np.array([model.quality_of(row) for row in frames.features])
    good = frames.errors <= model.good_below
    ranks = rankdata(qualities)
    n_good, n_bad = int(good.sum()), int((~good).sum())
    area = (ranks[good].sum() - n_good * (n_good + 1) / 2) / max(n_good * n_bad, 1)
    marked = qualities < RELIABLE_FROM
    bins = np.minimum((qualities * 10).astype(int), 9)
    gaps = [abs(qualities[bins == b].mean() - good[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return {
        "frames": float(len(good)),
        "good frames (share)": float(good.mean()),
        "area under ROC": float(area),
        "bad frames marked": float(marked[~good].mean()) if n_bad else float("nan"),
        "good frames marked": float(marked[good].mean()) if n_good else float("nan"),
        "calibration error": float(np.sum(gaps)),
    }


def _one_series(
    reconstruction: TemporalReconstruction, number: int, failure: Failure
) -> list[tuple[tuple[float, float, float], float, str]]:
    generator = np.random.default_rng([_SEEDS_FROM, number])
    config = SimulationConfig(
        frames=_N_FRAMES,
        acceleration=float(generator.choice(_ACCELERATIONS)),
        mask=str(generator.choice(["paper", "golden"])),
        coils=8,
        seed=_SEEDS_FROM + number,
        n_slices=1,
        matrix=_MATRIX,
        orientation=str(generator.choice(ORIENTATIONS)),
        planning=failure.disturb_planning is not None or bool(generator.random() < 0.7),
        noise=float(np.exp(generator.uniform(np.log(0.004), np.log(0.04)))),
    )
    series = SimulatedSeries(config)
    reconstruction.reset()
    if series.planning is not None:
        disturb = failure.disturb_planning
        reconstruction.set_planning(series.planning if disturb is None else disturb(generator, series.planning))
    found = []
    for index in range(_N_FRAMES):
        frame = series.frame(index)
        begun = failure.disturb_frame is not None and index >= _BEGINS
        if failure.disturb_frame is not None and begun:
            frame = failure.disturb_frame(generator, frame)
        reconstruction.ingest(frame)
        shown, truth = reconstruction.reconstruct(), series.image(index)
        if shown is None or reconstruction.evidence is None:
            continue
        image = shown.data
        gain = float((image * truth).sum() / max(float((image**2).sum()), 1e-30))
        error = float(np.linalg.norm(gain * image - truth) / np.linalg.norm(truth))
        disturbed = begun or failure.disturb_planning is not None
        found.append((reconstruction.evidence.features, error, failure.name if disturbed else "none"))
    return found
