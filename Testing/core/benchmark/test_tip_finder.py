"""The localizer against a void whose end is known from its formula, at any angle, between pixels, in noise."""

import dataclasses

import numpy as np
import pytest
from scipy.special import ndtr
from TemporalReconLib.benchmark.tip_finder import (
    SEARCH_MM,
    START_SPREAD_MM,
    InstrumentLine,
    find_void_end,
    search_start,
)
from TemporalReconLib.geometry import ijk_to_ras_from_parts
from TemporalReconLib.simulation.truth import FrameTruth

SIZE = 128
PIXEL_MM = 1.1
GEOMETRY = ijk_to_ras_from_parts((-70.0, 65.0, 3.0), np.diag([1.0, -1.0, -1.0]), (PIXEL_MM, PIXEL_MM, 3.0))
GUIDE_TIP = np.array([2.3, -12.4, 3.0])
ANGLES_DEG = (70.0, 90.0, 111.0, 135.0)


def truth_at(angle_deg: float, extension_mm: float, bend_mm: float = 0.0) -> FrameTruth:
    """A needle in the plane of the only slice; at 90 degrees it points anterior."""
    angle = np.deg2rad(angle_deg)
    axis, side = np.array([np.cos(angle), np.sin(angle), 0.0]), np.array([-np.sin(angle), np.cos(angle), 0.0])
    tip = GUIDE_TIP + extension_mm * axis + bend_mm * side
    return FrameTruth(0, 0.0, True, GUIDE_TIP, tip, axis, 10.0)


def void_image(truth: FrameTruth, tissue=0.4, void=0.03, radius_mm=1.6) -> np.ndarray:
    """Bright tissue with a dark bar along the needle, soft edges of 0.5 mm, and a brighter organ behind it."""
    row, column = np.mgrid[:SIZE, :SIZE]
    ras = np.stack([column, row, np.zeros_like(row)], axis=-1) @ GEOMETRY[:3, :3].T + GEOMETRY[:3, 3]
    relative = ras - truth.guide_tip
    along = relative @ truth.axis
    end = (truth.needle_tip - truth.guide_tip) @ truth.axis
    bend = (truth.needle_tip - truth.guide_tip) - end * truth.axis
    middle = along[..., None] * truth.axis + (np.clip(along, 0, None)[..., None] / end) ** 2 * bend
    across = np.linalg.norm(relative - middle, axis=-1)
    inside = ndtr((end - along) / 0.5) * ndtr((radius_mm - across) / 0.5)
    organ = 0.6 * ndtr((along - end - 18.0) / 2.0)
    return ((tissue + organ) * (1 - inside) + void * inside).astype(np.float32)


@pytest.mark.parametrize("angle_deg", ANGLES_DEG)
@pytest.mark.parametrize("extension_mm", (12.0, 20.37, 31.81))
def test_the_end_of_a_void_is_found_between_the_pixels(angle_deg: float, extension_mm: float) -> None:
    truth = truth_at(angle_deg, extension_mm)
    line = InstrumentLine.of(truth, GEOMETRY, 1)
    found = find_void_end(void_image(truth), line, search_start(line, 3, 1))
    assert abs(found - extension_mm) < 0.3


def test_a_bent_needle_is_followed() -> None:
    truth = truth_at(100.0, 30.0, bend_mm=2.5)
    line = InstrumentLine.of(truth, GEOMETRY, 1)
    assert line.end_mm == pytest.approx(30.0)
    assert abs(find_void_end(void_image(truth), line, 22.0) - 30.0) < 0.3


def test_noise_of_a_tenth_of_the_tissue_costs_less_than_half_a_millimeter() -> None:
    generator = np.random.default_rng(0)
    truth = truth_at(105.0, 24.6)
    line = InstrumentLine.of(truth, GEOMETRY, 1)
    image = void_image(truth)
    errors = [
        abs(
            find_void_end(
                np.abs(image + 0.04 * generator.standard_normal(image.shape)).astype(np.float32),
                line,
                search_start(line, 0, n),
            )
            - 24.6
        )
        for n in range(25)
    ]
    assert np.median(errors) < 0.5


@pytest.mark.parametrize("extension_mm", (9.0, 25.0))
def test_the_end_that_an_image_shows_is_found_although_the_truth_is_elsewhere(extension_mm: float) -> None:
    shown = truth_at(95.0, extension_mm)
    line = InstrumentLine.of(truth_at(95.0, 18.0), GEOMETRY, 1)
    assert abs(find_void_end(void_image(shown), line, search_start(line, 8, 2)) - extension_mm) < 0.3


def test_scale_does_not_matter() -> None:
    truth = truth_at(120.0, 22.2)
    line = InstrumentLine.of(truth, GEOMETRY, 1)
    image = void_image(truth)
    found = [find_void_end(np.float32(scale) * image, line, 20.0) for scale in (1e-6, 1.0, 1e4)]
    assert found == pytest.approx([found[1]] * 3, abs=1e-6)


def test_an_image_without_the_needle_does_not_betray_it() -> None:
    generator = np.random.default_rng(5)
    line = InstrumentLine.of(truth_at(90.0, 20.0), GEOMETRY, 1)
    errors = [
        abs(
            find_void_end(generator.uniform(0.3, 0.5, (SIZE, SIZE)).astype(np.float32), line, search_start(line, n, 0))
            - 20.0
        )
        for n in range(60)
    ]
    assert 8.0 < np.median(errors) < 16.0


def test_an_empty_image_gives_a_place_within_the_search() -> None:
    line = InstrumentLine.of(truth_at(90.0, 20.0), GEOMETRY, 1)
    found = find_void_end(np.zeros((SIZE, SIZE), np.float32), line, 15.0)
    assert abs(found - 15.0) <= SEARCH_MM


def test_the_search_begins_off_the_truth_but_within_reach_and_alike_for_every_method() -> None:
    line = InstrumentLine.of(truth_at(90.0, 20.0), GEOMETRY, 1)
    starts = np.array([search_start(line, 1_000_000, n) for n in range(200)])
    assert np.abs(starts - 20.0).max() <= START_SPREAD_MM < SEARCH_MM
    assert np.abs(starts - 20.0).mean() > 0.3 * START_SPREAD_MM
    assert search_start(line, 1_000_000, 7) == starts[7]


def test_with_the_needle_inside_the_guide_the_void_ends_with_the_dark_cap() -> None:
    truth = dataclasses.replace(truth_at(90.0, 20.0), needle_tip=None)
    line = InstrumentLine.of(truth, GEOMETRY, 1)
    row, column = line.tip_pixel
    # The cap reaches 5 mm beyond the guide tip, along anterior, which is up.
    assert column == pytest.approx((2.3 + 70.0) / PIXEL_MM)
    assert row == pytest.approx((65.0 - (-12.4 + 5.0)) / PIXEL_MM)
    assert not line.is_needle


def test_there_is_no_line_where_nothing_is_visible() -> None:
    hidden = dataclasses.replace(truth_at(90.0, 20.0), visible=False)
    assert InstrumentLine.of(hidden, GEOMETRY, 1) is None
    assert InstrumentLine.of(FrameTruth(0, 0.0, False, None, None, None, None), GEOMETRY, 1) is None
