"""All measures of a method at an acceleration, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from InstrumentTrackerLib.evaluation.study.report.frames import Array, Frames
from InstrumentTrackerLib.evaluation.study.statistics.bootstrap import clustered_mean, clustered_quantile
from InstrumentTrackerLib.evaluation.study.statistics.detectability import detectability
from InstrumentTrackerLib.evaluation.study.statistics.estimate import Estimate
from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import Margins
from InstrumentTrackerLib.evaluation.study.statistics.rates import clustered_rate
from InstrumentTrackerLib.localization.instrument_pose import CLOSE_MM

PERCENT = "%"


@dataclass(frozen=True)
class Measure:
    """What is measured.

    Attributes
    ----------
    key
        In the tables of numbers.
    unit
        ``%`` for a share, which is kept as 0..1.
    digits
        Behind the point in print.
    """

    key: str
    title: str
    unit: str = ""
    digits: int = 2


FOUND = Measure("found", "tip found at all", PERCENT, 1)
WITHIN = Measure("success", "tip within the success limit", PERCENT, 1)
CLOSE = Measure("within_3_mm", f"tip within {CLOSE_MM:g} mm", PERCENT, 1)
FALSE_ALARMS = Measure("false_alarms", "position reported without an instrument", PERCENT, 1)
PENALIZED = Measure("error_penalized", "tip error, failures as penalty", "mm")
MEAN = Measure("error_mean", "tip error where found, mean", "mm")
MEDIAN = Measure("error_median", "tip error where found, median", "mm")
P95 = Measure("error_p95", "tip error where found, 95th percentile", "mm")
IN_PLANE = Measure("error_in_plane", "tip error in plane where found, mean", "mm")
ANGLE = Measure("angle", "angle of the axis, mean", "deg")
OTHER = Measure("other_tip_error", "error of the other tip where found, mean", "mm")
DICE = Measure("dice", "Dice")
HD95 = Measure("hd95", "Hausdorff distance, 95th percentile", "mm")
SENSITIVITY = Measure("sensitivity", "sensitivity of pixels", digits=3)
SPECIFICITY = Measure("specificity", "specificity of pixels", digits=4)
PSNR = Measure("psnr", "PSNR", "dB", 1)
SSIM = Measure("ssim", "SSIM", digits=3)
NMSE = Measure("nmse", "NMSE", digits=4)
NOISE = Measure("noise", "noise against full sampling, of the tissue's signal", PERCENT, 1)
SNR = Measure("snr", "SNR of the tissue", digits=1)
CNR = Measure("cnr", "CNR of the instrument", digits=1)
DETECTABILITY = Measure("detectability", "detectability d' of the tip")

# In the order of the tables.
TIP_MEASURES = (PENALIZED, MEAN, MEDIAN, P95, FOUND, WITHIN, CLOSE, FALSE_ALARMS)
OTHER_MEASURES = (IN_PLANE, ANGLE, OTHER, DICE, HD95, SENSITIVITY, SPECIFICITY)
PICTURE_MEASURES = (PSNR, SSIM, NMSE, NOISE, SNR, CNR, DETECTABILITY)
ALL_MEASURES = TIP_MEASURES + OTHER_MEASURES + PICTURE_MEASURES
_COLUMNS = {
    IN_PLANE: "{point}_in_plane_mm",
    ANGLE: "axis_error_deg",
    OTHER: "{other}_error_mm",
    DICE: "dice",
    HD95: "hd95_mm",
    SENSITIVITY: "sensitivity",
    SPECIFICITY: "specificity",
    PSNR: "psnr",
    SSIM: "ssim",
    NMSE: "nmse",
    NOISE: "noise",
    SNR: "snr",
    CNR: "cnr",
}


def measured(frames: Frames, point: str, margins: Margins) -> dict[Measure, Estimate | None]:
    """Every measure; None where nothing tells it.

    Parameters
    ----------
    point
        ``guide`` or ``needle``: whose error counts.
    """
    there = frames.where(frames.is_true(point))
    errors, patients = there.errors(point), there.patients
    found = ~np.isnan(errors)
    empty = frames.where(frames.is_empty)
    result: dict[Measure, Estimate | None] = {
        PENALIZED: clustered_mean(np.nan_to_num(errors, nan=margins.penalty_mm), patients),
        MEAN: clustered_mean(errors[found], patients[found]),
        MEDIAN: clustered_quantile(errors[found], patients[found], 0.5),
        P95: clustered_quantile(errors[found], patients[found], 0.95),
        FOUND: clustered_rate(found, patients),
        WITHIN: clustered_rate(errors <= margins.success_mm, patients),
        CLOSE: clustered_rate(errors <= CLOSE_MM, patients),
        FALSE_ALARMS: clustered_rate(empty.has_numbers, empty.patients),
    }
    other = "needle" if point == "guide" else "guide"
    for measure, column in _COLUMNS.items():
        result[measure] = _mean(frames, frames.values(column.format(point=point, other=other)))
    result[DETECTABILITY] = _detectability(frames)
    return result


def _detectability(frames: Frames) -> Estimate | None:
    seen = [(row, patient) for row, patient in zip(frames.rows, frames.patients, strict=True) if "tip_channels" in row]
    beside = [(outputs, patient) for row, patient in seen for outputs in row["beside_channels"]]
    return detectability(
        [row["tip_channels"] for row, _ in seen],
        [outputs for outputs, _ in beside],
        [patient for _, patient in seen],
        [patient for _, patient in beside],
    )


def _mean(frames: Frames, values: Array) -> Estimate | None:
    known = ~np.isnan(values)
    return clustered_mean(values[known], frames.patients[known])
