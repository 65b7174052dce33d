"""The shipped network on a phantom that shares no code with what it was trained on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bar_phantom import BarOptions, draw_case
from InstrumentTrackerLib.localization.instrument_pose import MIN_CONFIDENCE
from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.localization.masks.mask_localizer import MaskLocalizer
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane
from InstrumentTrackerLib.segmentation.network_segmenter import NetworkSegmenter
from InstrumentTrackerLib.tracking.rules import SURE_CONFIDENCE
from InstrumentTrackerLib.training.validation import label_end

CASES = range(12)
MIDDLE = 1


@pytest.fixture(scope="module")
def segmenter():
    return NetworkSegmenter(torch.device("cpu"))


def guide_error(segmenter, case):
    """How far beyond the guide tip its label says that it is, mm along the true axis."""
    plane = ImagePlane.of(case.image)
    tip, before = (plane.to_indices(plane.from_ras(case.guide_tip - back * case.axis)[0]) for back in (0.0, 1.0))
    direction = (tip - before) / np.linalg.norm(tip - before)
    mask = segmenter.segment(case.image)
    return label_end(mask.probabilities[0, MIDDLE], tip, direction, plane.spacing[0]) - CAP_REACH_MM


@pytest.mark.parametrize("change", ["as drawn", "scaled", "fine pixels"])
def test_the_guide_label_ends_where_the_guide_does(segmenter, change):
    options = {
        "as drawn": {},
        "scaled": {"scale": 2500.0},
        "fine pixels": {"shape": (3, 384, 384), "spacing": (0.7, 0.7, 3.0)},
    }[change]
    errors = np.abs([guide_error(segmenter, draw_case(seed, BarOptions(**options, offset_mm=0.0))) for seed in CASES])
    assert np.isfinite(errors).mean() >= 0.9
    assert np.median(errors) < 1.5


def test_long_bright_lines_are_rarely_and_never_surely_taken_for_a_guide(segmenter):
    """Its labels alone do not say that there is an instrument: the localizer judges them."""
    localizer = MaskLocalizer()

    def certainty(seed, present):
        image = draw_case(seed, BarOptions(present=present)).image
        return localizer.localize(image, segmenter.segment(image)).certainty_of_guide

    absent = np.array([certainty(seed, False) for seed in CASES])
    present = np.array([certainty(seed, True) for seed in CASES])
    assert (absent >= MIN_CONFIDENCE).sum() <= 1 and absent.max() < SURE_CONFIDENCE
    assert (present >= MIN_CONFIDENCE).all()
