"""The needle's course and end, against drawn parabolas."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.appearance.straight_view import StraightView
from InstrumentTrackerLib.localization.masks.needle_course import find_needle
from InstrumentTrackerLib.segmentation.image_plane import Line

ALONG = np.arange(0.0, 70.0, 1.0)
ACROSS = np.arange(-9.0, 9.1, 0.5)
GUIDE_TIP = 8.0


def needle_view(length_mm, bend_mm=0.0, offset_mm=0.0, strength=1.0):
    beyond = ALONG - GUIDE_TIP
    course = offset_mm + bend_mm * (np.clip(beyond, 0, None) / 30) ** 2
    across = np.clip(1.9 - np.abs(ACROSS - course[:, None]), 0, 1)
    within = np.clip(length_mm - beyond + 0.5, 0, 1) * (beyond >= 4)
    data = (strength * across * within[:, None])[None].astype(np.float32)
    return StraightView(Line(0.0, 0.0), ALONG, ACROSS, data, np.ones(ALONG.size, bool))


@pytest.mark.parametrize("length_mm", [12.0, 21.4, 38.7])
@pytest.mark.parametrize("bend_mm", [-3.0, 0.0, 2.0])
def test_a_bent_needle_is_followed_to_its_end(length_mm, bend_mm):
    needle = find_needle(needle_view(length_mm, bend_mm, 0.3), GUIDE_TIP)
    assert needle.end.position == pytest.approx(GUIDE_TIP + length_mm, abs=0.4)
    assert needle.across == pytest.approx(0.3 + bend_mm * (length_mm / 30) ** 2, abs=0.6)


def test_a_longer_needle_is_bent_more_surely():
    short, long = (find_needle(needle_view(length), GUIDE_TIP) for length in (10.0, 36.0))
    assert long.support_mm > 2 * short.support_mm


def test_a_patch_beside_the_course_does_not_bend_it():
    view = needle_view(30.0)
    view.data[:, 30:36, ACROSS > 5] = 1.0
    assert abs(find_needle(view, GUIDE_TIP).across) < 0.5


def test_a_patch_far_beyond_the_end_is_not_needle():
    view = needle_view(15.0)
    view.data[:, 55:60, np.abs(ACROSS) < 1.5] = 1.0
    assert find_needle(view, GUIDE_TIP).end.position == pytest.approx(GUIDE_TIP + 15, abs=0.5)


@pytest.mark.parametrize("strength", [0.0, 0.1])
def test_where_nothing_is_seen_there_is_no_needle(strength):
    assert find_needle(needle_view(25.0, strength=strength), GUIDE_TIP) is None
