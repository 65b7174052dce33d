"""Fits what the mask localizer's measurements are worth on frames with known truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM
from InstrumentTrackerLib.localization.masks.calibration import REPORTED, ROUTES, Calibration, Spread
from InstrumentTrackerLib.localization.masks.guide_estimate import image_axis_doubt, mask_axis_std
from InstrumentTrackerLib.localization.masks.image_confidence import GUIDE_EVIDENCE, NEEDLE_EVIDENCE, Logistic
from InstrumentTrackerLib.localization.masks.mask_localizer import REFUSE_BELOW, Finding, MaskLocalizer
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask

# Errors beyond are failures: a matter of confidence, not of spread.
GROSS_MM = 6.0
MIN_SAMPLES = 12
# Keeps the weights small where few frames speak for them.
RIDGE = 0.02
START = {name: Spread(0.7, 1.0) for name in ROUTES} | {name: Spread(0.0, 1.0) for name in REPORTED}

Array = NDArray[np.float64]
# (error, stated spread) of one measurement, mm.
Sample = tuple[float, float]


@dataclass(frozen=True, eq=False)
class JudgedFrame:
    """A picture with its mask and the truth."""

    image: ImageFrame
    mask: InstrumentMask
    truth: FrameTruth


def fit_calibration(frames: Sequence[JudgedFrame], source: str) -> Calibration:
    """Spreads of the routes, then of what is reported with these, then the confidence.

    Parameters
    ----------
    frames
        Of all kinds that are expected, without instrument too.
    source
        Where the masks come from, for the provenance.
    """
    even = Logistic(0.0, dict.fromkeys(GUIDE_EVIDENCE, 0.0))
    calibration = Calibration(START, even, replace(even, weights=dict.fromkeys(NEEDLE_EVIDENCE, 0.0)), "")
    found = _found(frames, calibration)
    routes = _spreads(ROUTES, (route_samples(finding, frame.truth) for finding, frame in found), START)
    calibration = replace(calibration, spreads=routes)
    # The confidence decides which bar is taken: it is fitted once more on what it chooses.
    for _ in range(2):
        found = _found(frames, calibration)
        guide = [(finding.evidence, _guide_is_close(finding, frame.truth)) for finding, frame in found]
        confidence = fit_logistic(GUIDE_EVIDENCE, guide)
        calibration = replace(calibration, guide=confidence)
    needle = [
        (finding.needle.evidence, _needle_is_close(finding, frame.truth))
        for finding, frame in found
        if finding.needle is not None and _guide_is_close(finding, frame.truth)
    ]
    # Only what is not refused has to have the spread that it states.
    kept = [pair for pair in found if confidence.probability(pair[0].evidence) >= REFUSE_BELOW]
    reported = _spreads(REPORTED, (reported_samples(finding, frame.truth) for finding, frame in kept), routes)
    return replace(
        calibration,
        spreads=reported,
        needle=fit_logistic(NEEDLE_EVIDENCE, needle),
        provenance=f"{source}: {len(frames)} frames, guide found in {len(found)}, "
        f"within {CLOSE_MM:g} mm in {sum(close for _, close in guide)}",
    )


def fit_logistic(names: tuple[str, ...], rows: Sequence[tuple[object, bool]]) -> Logistic:
    """Maximum likelihood with a ridge; evidence can only raise the odds (non-negative weights).

    One average frame each that is close and that is not stand for what was not yet seen (Laplace's rule).
    """
    if not rows:
        return Logistic(0.0, dict.fromkeys(names, 0.0))
    seen = np.array([[getattr(item, name) for name in names] for item, _ in rows], dtype=np.float64)
    evidence = np.concatenate([seen, np.tile(seen.mean(axis=0), (2, 1))])
    sign = np.where([*(close for _, close in rows), True, False], 1.0, -1.0)

    def loss(parameters: Array) -> tuple[float, Array]:
        margin = sign * (parameters[0] + evidence @ parameters[1:])
        slope = -sign / (1 + np.exp(np.clip(margin, -50, 50))) / sign.size
        gradient = np.concatenate([[slope.sum()], evidence.T @ slope + RIDGE / 10 * parameters[1:]])
        return float(np.logaddexp(0, -margin).mean() + RIDGE / 20 * (parameters[1:] ** 2).sum()), gradient

    bounds = [(None, None)] + [(0.0, None)] * len(names)
    fit = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    return Logistic(float(fit.x[0]), {name: float(value) for name, value in zip(names, fit.x[1:], strict=True)})


def fit_spread(samples: Sequence[Sample], otherwise: Spread) -> Spread:
    """Maximum likelihood of a normal error whose spread is a floor and a multiple of the stated one."""
    kept = np.array([sample for sample in samples if abs(sample[0]) < GROSS_MM], dtype=np.float64)
    if len(kept) < MIN_SAMPLES:
        return otherwise
    error2, stated2 = kept.T**2

    def loss(parameters: Array) -> float:
        variance = np.exp(2 * parameters[0]) + np.exp(2 * parameters[1]) * stated2
        return float((np.log(variance) + error2 / variance).mean())

    start = np.log([max(0.1, float(np.sqrt(error2.mean() / 2))), 0.7])
    fit = minimize(loss, start, method="L-BFGS-B", bounds=[np.log([0.1, 10.0]), np.log([0.01, 10.0])])
    return Spread(float(np.exp(fit.x[0])), float(np.exp(fit.x[1])))


def route_samples(finding: Finding, truth: FrameTruth) -> dict[str, Sample]:
    """Errors of mask and picture alone."""
    if truth.guide_tip is None:
        return {}
    plane, measurement, guide = finding.plane, finding.measurement, finding.guide
    shaft, fit = measurement.shaft, measurement.fit
    xy, k = plane.from_ras(truth.guide_tip)
    samples = {
        "mask_tip": (measurement.mask_tip - float(xy @ shaft.line.direction), measurement.end.std_mm),
        "image_tip": (measurement.image_tip.along - float(xy @ fit.line.direction), measurement.image_tip.std_mm),
        "mask_axis": (shaft.line.offset - float(xy @ shaft.line.normal), mask_axis_std(measurement)),
        "image_axis": (fit.line.offset - float(xy @ fit.line.normal), image_axis_doubt(measurement)),
    }
    depth = (float(k) - guide.slice_index) * float(plane.spacing[2])
    for name, route in zip(("mask_depth", "image_depth"), guide.depth_routes, strict=True):
        if route is not None:
            samples[name] = (route.offset_mm - depth, route.std_mm)
    if finding.needle is not None and truth.needle_tip is not None:
        along = float(plane.from_ras(truth.needle_tip)[0] @ guide.line.direction)
        end = finding.needle.course.end
        samples["mask_needle"] = (end.position - along, end.std_mm)
        if finding.needle.image_tip is not None:
            samples["image_needle"] = (finding.needle.image_tip.along - along, finding.needle.image_tip.std_mm)
    return samples


def reported_samples(finding: Finding, truth: FrameTruth) -> dict[str, Sample]:
    """Errors of what is reported, in the guide's coordinates."""
    if truth.guide_tip is None:
        return {}
    plane, guide, needle = finding.plane, finding.guide, finding.needle
    spacing = float(plane.spacing[2])
    xy, k = plane.from_ras(truth.guide_tip)
    samples = {
        "guide_along": (guide.tip - float(xy @ guide.line.direction), guide.along_std_mm),
        "guide_across": (guide.line.offset - float(xy @ guide.line.normal), guide.across_std_mm),
    }
    if guide.depth is not None:
        error = guide.depth.offset_mm - (float(k) - guide.slice_index) * spacing
        samples["guide_depth"] = (error, guide.depth.std_mm)
    if needle is not None and truth.needle_tip is not None:
        xy, k = plane.from_ras(truth.needle_tip)
        samples["needle_along"] = (needle.along - float(xy @ guide.line.direction), needle.along_std_mm)
        across = needle.across + guide.line.offset - float(xy @ guide.line.normal)
        samples["needle_across"] = (across, needle.across_std_mm)
        if guide.depth is not None and needle.depth_std_mm is not None:
            depth = guide.depth.offset_mm + guide.depth.slope * (needle.along - guide.tip)
            samples["needle_depth"] = (depth - (float(k) - guide.slice_index) * spacing, needle.depth_std_mm)
    return samples


def _found(frames: Iterable[JudgedFrame], calibration: Calibration) -> list[tuple[Finding, JudgedFrame]]:
    localizer = MaskLocalizer(calibration)
    pairs = ((localizer.find(frame.image, frame.mask), frame) for frame in frames)
    return [(finding, frame) for finding, frame in pairs if finding is not None]


def _spreads(
    names: tuple[str, ...], rows: Iterable[dict[str, Sample]], otherwise: dict[str, Spread]
) -> dict[str, Spread]:
    listed = list(rows)
    fitted = {name: fit_spread([row[name] for row in listed if name in row], otherwise[name]) for name in names}
    return otherwise | fitted


def _guide_is_close(finding: Finding, truth: FrameTruth) -> bool:
    samples = reported_samples(finding, truth)
    return _distance(samples, "guide") < CLOSE_MM if samples else False


def _needle_is_close(finding: Finding, truth: FrameTruth) -> bool:
    samples = reported_samples(finding, truth)
    return _distance(samples, "needle") < CLOSE_MM if "needle_along" in samples else False


def _distance(samples: dict[str, Sample], point: str) -> float:
    errors = [samples[name][0] for name in (f"{point}_along", f"{point}_across", f"{point}_depth") if name in samples]
    return float(np.linalg.norm(errors))
