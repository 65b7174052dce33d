"""What is supervised beside the image, against distances written down by hand."""

import numpy as np
import pytest
from TemporalReconLib.simulation.truth import FrameTruth
from TemporalReconLib.training.instrument_maps import instrument_maps
from TemporalReconLib.training.stored_series import VisibleInstrument

SHAPE = (48, 64)
# A guide along row 20 from column 10 to 40, four pixels wide.
BAR = VisibleInstrument(np.array([20.0, 40.0]), ((np.array([20.0, 10.0]), np.array([20.0, 40.0]), 2.0),))


def test_without_an_instrument_the_whole_image_weighs_alike():
    shaft, tip, weight = instrument_maps(None, SHAPE)
    assert not shaft.any() and not tip.any()
    assert np.all(weight == 1.0)


def test_the_shaft_covers_the_bar_with_round_ends():
    rows, columns = np.indices(SHAPE)
    along = np.clip(columns, 10, 40)
    expected = np.hypot(rows - 20, columns - along) <= 2.0
    assert np.array_equal(instrument_maps(BAR, SHAPE)[0].astype(bool), expected)


@pytest.mark.parametrize(("row", "column", "pixels"), [(20, 40, 0.0), (20, 43, 3.0), (26, 40, 6.0), (23, 44, 5.0)])
def test_the_tip_is_a_gaussian_around_the_end(row, column, pixels):
    assert instrument_maps(BAR, SHAPE)[1][row, column] == pytest.approx(np.exp(-0.5 * (pixels / 3.0) ** 2), rel=1e-5)


def test_an_error_weighs_more_near_the_shaft_and_most_at_the_tip():
    weight = instrument_maps(BAR, SHAPE)[2]
    # Ten rows off the middle of the shaft: 8 pixels outside, 18.03 from the tip.
    assert weight[30, 25] == pytest.approx(
        1 + 3 * np.exp(-8 / 3) + 8 * np.exp(-0.5 * (10**2 + 15**2) / 12**2), rel=1e-5
    )
    assert weight[20, 40] == pytest.approx(1 + 3 + 8, rel=1e-5)
    assert weight.argmax() == np.ravel_multi_index((20, 40), SHAPE)


def test_positions_in_the_patient_become_pixels():
    """2 mm pixels from (-30, 40, 5), rows toward inferior: row = (40 - s) / 2, column = (r + 30) / 2."""
    ijk_to_ras = np.array([[2.0, 0, 0, -30], [0, 0, 3.0, 5], [0, -2.0, 0, 40], [0, 0, 0, 1]])
    truth = FrameTruth(
        0,
        0.0,
        True,
        guide_tip=np.array([0.0, 5.0, 10.0]),
        needle_tip=np.array([0.0, 5.0, -6.0]),
        axis=np.array([0.0, 0.0, -1.0]),
        width=10.0,
    )
    seen = VisibleInstrument.of(truth, ijk_to_ras)
    assert seen is not None
    assert seen.tip == pytest.approx([23.0, 15.0])
    (guide_begin, guide_end, guide_half), (needle_begin, needle_end, needle_half) = seen.segments
    assert guide_begin == pytest.approx([15.0 - 45.0, 15.0])
    assert guide_end == pytest.approx([15.0, 15.0]) and needle_begin == pytest.approx([15.0, 15.0])
    assert needle_end == pytest.approx([23.0, 15.0])
    assert (guide_half, needle_half) == pytest.approx((2.5, 0.75))
