"""A planning scan that lies elsewhere is fitted where that is safe, else left out; both are told, neither misleads."""

from dataclasses import replace

import numpy as np
import pytest
from engine_frames import COLUMNS, ROWS, still_frame
from InstrumentTrackerLib.guidance.processor import GuidanceProcessor
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.planning_fit import fitted_planning
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.geometry import transform_points

SERIES = still_frame(0)


def brightness(ras):
    """A linear function of the place, so that linear interpolation is exact: float (...,)."""
    return 100.0 + ras @ np.array([0.7, -0.4, 1.3])


def volume(ijk_to_ras, shape):
    """That function on a grid (slice, row, col)."""
    k, j, i = np.indices(shape)
    return ImageFrame(
        brightness(transform_points(ijk_to_ras, np.stack([i, j, k], axis=-1))).astype(np.float32), ijk_to_ras
    )


def turned(degrees, spacing, center):
    """Axes turned about S and then about R, with this voxel size, index 20 at ``center``."""
    a, b = np.deg2rad(degrees)
    about_s = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_r = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_r @ about_s * spacing
    matrix[:3, 3] = center - matrix[:3, :3] @ [20, 20, 20]
    return matrix


MIDDLE = transform_points(SERIES.ijk_to_ras, [COLUMNS / 2, ROWS / 2, 0])


def test_a_turned_volume_with_other_voxels_is_resampled_to_the_place_of_the_series():
    planning = volume(turned((25, -15), (2.0, 1.6, 2.2), MIDDLE), (41, 41, 41))
    fitted, note = fitted_planning(planning, SERIES)
    expected = volume(SERIES.ijk_to_ras, SERIES.image_shape)
    np.testing.assert_allclose(fitted.data, expected.data, rtol=1e-5)
    np.testing.assert_array_equal(fitted.ijk_to_ras, SERIES.ijk_to_ras)
    assert note == "the planning scan was resampled to the geometry of the series"


def test_a_volume_that_does_not_cover_the_series_is_left_out_and_says_by_how_much():
    matrix = np.array(SERIES.ijk_to_ras)
    matrix[0, 3] += 7.0 + 0.75  # its first pixel begins 7 mm beyond the middle of the first of the series
    fitted, note = fitted_planning(volume(matrix, (1, ROWS, COLUMNS + 10)), SERIES)
    assert fitted is None
    assert note == (
        "the planning scan is not used: the series reaches 7.0 mm beyond it; "
        "the engine goes on without it, send a planning scan of the same slices"
    )


@pytest.mark.parametrize(
    ("planning", "why"),
    [
        (still_frame(7, acceleration=1), ""),
        (replace(still_frame(0, 1), ijk_to_ras=turned((5, 0), (1.5, 1.5, 3.0), MIDDLE)), "k-space of another geometry"),
        (replace(still_frame(0, 1), data=np.repeat(still_frame(0, 1).data, 3, axis=0)), "it has 3 coils, the series 1"),
        (replace(volume(np.eye(4), (1, 16, 16)), has_geometry=False), "its matrix is 1 x 16 x 16"),
    ],
    ids=["the same place", "turned k-space", "other coils", "no position, other matrix"],
)
def test_what_cannot_be_fitted_safely_is_left_out(planning, why):
    fitted, note = fitted_planning(planning, SERIES)
    assert (fitted is planning) == (why == "")
    assert why in note


def pictures(planning, method="sliding-window", processor_type=ReconstructionProcessor):
    """What an engine shows of three frames after this planning scan, and its last STATUS."""
    published = []
    engine = Engine(processor_type(method, "cpu"), published.append)
    engine.start()
    try:
        if planning is not None:
            engine.submit("planning", planning)
        for index in range(3):
            engine.submit("frame", still_frame(index, acceleration=16))
            assert engine.wait_until_done(20.0)
        status = engine.status_envelope()
    finally:
        engine.stop()
    return [envelope.message.data for envelope in published if envelope.device_name == "RECON"], status


@pytest.mark.parametrize("processor_type", [ReconstructionProcessor, GuidanceProcessor])
def test_an_engine_goes_on_without_a_planning_scan_that_lies_elsewhere_and_tells(processor_type):
    elsewhere = replace(still_frame(0, acceleration=1), ijk_to_ras=turned((0, 10), (1.5, 1.5, 3.0), MIDDLE))
    shown, status = pictures(elsewhere, processor_type=processor_type)
    without, _ = pictures(None, processor_type=processor_type)
    np.testing.assert_array_equal(shown, without)
    assert status.metadata["TR.State"] == "running"
    assert status.message.text == (
        "running: the planning scan is not used: it is k-space of another geometry than the series; "
        "the engine goes on without it, send a planning scan of the same slices"
    )


def test_an_engine_uses_a_resampled_planning_image_and_tells():
    planning = volume(turned((25, -15), (2.0, 1.6, 2.2), MIDDLE), (41, 41, 41))
    shown, status = pictures(planning, "temporal")
    fitted, _ = fitted_planning(planning, SERIES)
    expected, quiet = pictures(fitted, "temporal")
    np.testing.assert_array_equal(shown, expected)
    assert not np.array_equal(shown, pictures(None, "temporal")[0])
    assert "resampled to the geometry of the series" in status.message.text
    assert "resampled" not in quiet.message.text


def test_a_series_that_moves_away_from_its_planning_scan_says_so():
    processor = ReconstructionProcessor("sliding-window", "cpu")
    processor.set_planning(still_frame(0, acceleration=1))
    processor.ingest(still_frame(0))
    assert processor.planning is not None and processor.planning_note == ""
    processor.ingest(replace(still_frame(1), ijk_to_ras=turned((0, 0), (1.5, 1.5, 3.0), MIDDLE)))
    assert processor.planning is None
    assert "has moved; send a new one" in processor.planning_note
