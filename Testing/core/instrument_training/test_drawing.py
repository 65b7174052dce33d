"""Drawn instruments and their labels: where they end, how wide they are, and which slices they are in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from InstrumentTrackerLib.training.drawing import draw
from InstrumentTrackerLib.training.looks import random_look, random_state
from InstrumentTrackerLib.training.validation import label_end
from TemporalReconLib.geometry import ijk_to_ras_from_center, ras_to_ijk
from TemporalReconLib.simulation.instrument import Instrument, InstrumentState
from TemporalReconLib.simulation.instrument_renderer import InstrumentRenderer

SIZE, PIXEL, THICKNESS = 128, 1.1, 3.0
GRID = ijk_to_ras_from_center(np.zeros(3), np.eye(3), (PIXEL, PIXEL, THICKNESS), (SIZE, SIZE, 3))
SHAPE = (3, SIZE, SIZE)
INSTRUMENT = Instrument.random(np.random.default_rng(3), 50.0)
ANGLES = np.deg2rad([0.0, 37.0, 90.0, 200.0])


def a_state(angle=0.6, extension=25.0, height=0.0, bend=(0.0, 0.0, 0.0), tilt=0.0):
    axis = np.array([np.cos(angle) * np.cos(tilt), np.sin(angle) * np.cos(tilt), np.sin(tilt)])
    return InstrumentState(np.array([1.3, -2.2, height]), axis, extension, np.array(bend))


def drawn(state, instrument=INSTRUMENT):
    return draw(instrument, state, GRID, SHAPE, THICKNESS)


@pytest.mark.parametrize("angle", ANGLES)
def test_the_guide_ends_five_mm_beyond_its_tip_and_the_needle_at_its_own(angle):
    state = a_state(angle)
    drawing = drawn(state)
    tips = [ras_to_ijk(GRID, point)[:2] for point in (state.guide_tip, state.needle_tip)]
    ends = [
        label_end(label[1], tip, state.axis[:2], pixel_mm=PIXEL)
        for label, tip in zip((drawing.guide, drawing.needle), tips, strict=True)
    ]
    assert ends == pytest.approx([5.0, 0.0], abs=0.35)


@pytest.mark.parametrize("angle", ANGLES)
def test_the_guide_is_as_wide_and_as_long_as_it_is(angle):
    drawing = drawn(a_state(angle, extension=0.0))
    inside = min(INSTRUMENT.length, 70.0)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    along = ((columns - SIZE // 2) * PIXEL - 1.3) * np.cos(angle) + ((rows - SIZE // 2) * PIXEL + 2.2) * np.sin(angle)
    straight = (along < -10) & (along > 10 - inside) & (along > -50)
    area = drawing.guide[1][straight].sum() * PIXEL**2
    # Averaged over the slice, a round bar is a little narrower than in its middle.
    width = area / (40.0 if inside >= 60 else inside - 20)
    assert 0.9 * INSTRUMENT.width < width < 1.03 * INSTRUMENT.width
    assert not drawing.needle.any()


def test_the_drawing_agrees_with_the_simulators_own():
    state = a_state(0.8, bend=(0.0, 0.0, 1.0))
    ours = draw(INSTRUMENT, state, GRID, SHAPE, THICKNESS)
    theirs = np.zeros((2, *SHAPE))
    renderer = InstrumentRenderer(INSTRUMENT, GRID, SIZE)
    for index in range(SHAPE[0]):
        patch = renderer.patch(state, index)
        theirs[0, index, patch.rows, patch.columns] = patch.opacity
        theirs[1, index, patch.rows, patch.columns] = patch.signal
    for mine, other in zip((ours.opacity, ours.signal), theirs, strict=True):
        assert np.corrcoef(mine.ravel(), other.ravel())[0, 1] > 0.97
        assert abs(mine.sum() - other.sum()) < 0.05 * other.sum()


def test_the_needle_follows_its_bend():
    bent = a_state(0.0, extension=30.0, bend=(0.0, 6.0, 0.0))
    needle = drawn(bent).needle[1]
    tip = ras_to_ijk(GRID, bent.needle_tip)
    column = round(tip[0]) - 1
    rows = np.arange(SIZE)
    center = (needle[:, column] * rows).sum() / needle[:, column].sum()
    assert center == pytest.approx(tip[1], abs=0.6)


def test_slices_that_the_instrument_does_not_touch_stay_empty():
    drawing = drawn(a_state(height=-THICKNESS - INSTRUMENT.radius))
    assert (drawing.guide[0] > 0.25).any()
    assert not drawing.guide[1:].any() and not drawing.opacity[2].any()
    assert not drawn(None).opacity.any()


def test_a_bar_that_leaves_the_slice_ends_there():
    tilted = drawn(a_state(0.0, extension=0.0, tilt=np.deg2rad(20)))
    in_middle = (tilted.guide[1] > 0.5).any(axis=0)
    assert 10 < in_middle.sum() * PIXEL < 50
    assert (tilted.guide[0] > 0.5).any(axis=0).argmax() < in_middle.argmax(), "the outer part lies in the slice below"


def test_labels_do_not_depend_on_how_the_instrument_looks():
    state = a_state()
    pale = replace(INSTRUMENT, gel_signal=0.05, core_signal=0.5, wall_signal=0.3, void_depth=0.4)
    first, second = drawn(state), drawn(state, pale)
    assert np.array_equal(first.guide, second.guide) and np.array_equal(first.needle, second.needle)
    assert not np.array_equal(first.signal, second.signal)


def test_random_instruments_lie_in_the_picture_and_their_labels_never_overlap():
    generator = np.random.default_rng(4)
    seen = 0
    for _ in range(20):
        drawing = draw(random_look(generator), random_state(generator, GRID, SHAPE, THICKNESS), GRID, SHAPE, THICKNESS)
        assert (drawing.guide + drawing.needle).max() <= 1 + 1e-6
        assert drawing.opacity.min() >= 0 and drawing.opacity.max() <= 1 + 1e-6
        seen += bool((drawing.guide > 0.5).any())
    assert seen >= 18
