"""The depth of a round bar between slices, from its chords."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.localization.appearance.straight_view import StraightView
from InstrumentTrackerLib.localization.masks.chord_depth import find_chord_depth
from InstrumentTrackerLib.segmentation.image_plane import Line

ALONG = np.arange(-64.0, 0.0, 1.0)
ACROSS = np.arange(-9.0, 9.1, 0.5)


def bar_view(depth_mm, n_slices, spacing, slope=0.0, radius=5.5, strength=1.0):
    within = np.linspace(-0.5, 0.5, 15) * spacing
    z = (np.arange(n_slices)[:, None] * spacing + within)[:, :, None, None]
    apart = np.hypot(z - (depth_mm + slope * ALONG)[:, None], ACROSS)
    data = strength * np.clip(0.5 + radius - apart, 0, 1).mean(axis=1)
    return StraightView(Line(0.0, 0.0), ALONG, ACROSS, data.astype(np.float32), np.ones(ALONG.size, bool))


@pytest.mark.parametrize("spacing", [3.0, 4.0])
@pytest.mark.parametrize("depth_mm", [-2.0, 0.7, 3.0, 5.2])
@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_the_depth_of_a_bar_is_found_also_at_the_edge_of_the_stack(depth_mm, spacing, strength):
    found = find_chord_depth(bar_view(depth_mm, 3, spacing, strength=strength), 1, 0.0, spacing)
    error = found.offset_mm - (depth_mm - spacing)
    assert abs(error) < max(0.5, 2.5 * found.std_mm)


def test_a_bar_that_leans_through_the_slices_has_a_slope():
    found = find_chord_depth(bar_view(6.0, 5, 3.0, slope=0.02), 2, 0.0, 3.0)
    assert found.slope == pytest.approx(0.02, abs=0.01)
    assert found.offset_mm == pytest.approx(0.0, abs=0.4)


def test_one_slice_says_nothing_about_the_depth():
    assert find_chord_depth(bar_view(0.0, 1, 3.0), 0, 0.0, 3.0) is None
