"""The instrument in the picture lies where the truth says it does, measured in the fully sampled image."""

import functools

import numpy as np
import pytest
from scipy import ndimage
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

CASES = [("coronal", 0), ("coronal", 5), ("sagittal", 1), ("sagittal", 8)]


@functools.lru_cache(maxsize=8)
def resting_case(orientation: str, seed: int) -> SimulatedSeries:
    return simulate_series(
        SimulationConfig(frames=1, acceleration=1, coils=4, seed=seed, orientation=orientation, motion=False, noise=0)
    )


def along_line(image: np.ndarray, ijk_to_ras: np.ndarray, points_ras: np.ndarray) -> np.ndarray:
    """Image along RAS points, in the slice nearest to them; independent of the package's geometry helpers."""
    homogeneous = np.concatenate([points_ras, np.ones((len(points_ras), 1))], axis=1)
    i, j, k = (np.linalg.inv(ijk_to_ras) @ homogeneous.T)[:3]
    return ndimage.map_coordinates(image[round(float(np.median(k)))], [j, i], order=3)


def crossing(positions: np.ndarray, values: np.ndarray, level: float) -> float:
    """First position where values rise through a level."""
    index = int(np.flatnonzero((values[:-1] < level) & (values[1:] >= level))[0])
    share = (level - values[index]) / (values[index + 1] - values[index])
    return float(positions[index] + share * (positions[index + 1] - positions[index]))


def transmission(series: SimulatedSeries) -> np.ndarray:
    """Share of the anatomy's signal that the instrument leaves, per pixel."""
    without = series.image_at(0.0, with_instrument=False)
    return series.image(0) / np.maximum(without, 0.02 * series.level)


@pytest.mark.parametrize(("orientation", "seed"), CASES)
def test_the_needle_void_ends_at_the_true_needle_tip(orientation: str, seed: int) -> None:
    series = resting_case(orientation, seed)
    truth = series.truth.frames[0]
    direction = (truth.needle_tip - truth.guide_tip) / np.linalg.norm(truth.needle_tip - truth.guide_tip)
    positions = np.arange(-9.0, 6.0, 0.1)
    profile = along_line(transmission(series), series.ijk_to_ras, truth.needle_tip + positions[:, None] * direction)
    inside, outside = np.median(profile[positions < -5.0]), np.median(profile[positions > 3.0])
    assert outside == pytest.approx(1.0, abs=0.05)
    assert inside < 0.65
    assert crossing(positions, profile, 0.5 * (inside + outside)) == pytest.approx(0.0, abs=0.4)


@pytest.mark.parametrize(("orientation", "seed"), CASES)
def test_the_guide_tip_is_the_middle_of_the_dark_cap(orientation: str, seed: int) -> None:
    series = resting_case(orientation, seed)
    truth = series.truth.frames[0]
    normal = np.cross(series.ijk_to_ras[:3, 0], series.ijk_to_ras[:3, 1])
    side = np.cross(truth.axis, normal / np.linalg.norm(normal))
    side /= np.linalg.norm(side)
    image = series.image(0) / series.level
    positions = np.arange(-14.0, 10.0, 0.1)
    lines = []
    for across in np.arange(-4.5, 4.6, 0.25):
        points = truth.guide_tip + positions[:, None] * truth.axis + across * side
        lines.append(along_line(image, series.ijk_to_ras, points))
    brightest = max(lines, key=lambda line: float(line[positions < -8].mean()))
    cap = float(brightest[(positions > -2) & (positions < 1)].mean())
    gel = float(brightest[positions < -8].mean())
    assert gel > 4 * cap
    outward, values = -positions[::-1], brightest[::-1]
    from_cap = outward > -2
    assert crossing(outward[from_cap], values[from_cap], 0.5 * (gel + cap)) == pytest.approx(4.5, abs=0.8)
    # Beside the needle the cap's rim gives the anatomy back 5 mm beyond the tip, minus its rounding.
    rim = along_line(
        transmission(series), series.ijk_to_ras, truth.guide_tip + positions[:, None] * truth.axis + 2.6 * side
    )
    rounding = series.instrument.radius - np.sqrt(series.instrument.radius**2 - 2.6**2)
    beyond = positions > 0
    assert crossing(positions[beyond], rim[beyond], 0.5) == pytest.approx(5.0 - rounding, abs=0.7)


@pytest.mark.parametrize(("orientation", "seed"), CASES)
def test_across_the_guide_dark_walls_enclose_two_bright_lines_and_a_darker_core(orientation: str, seed: int) -> None:
    series = resting_case(orientation, seed)
    truth = series.truth.frames[0]
    normal = np.cross(series.ijk_to_ras[:3, 0], series.ijk_to_ras[:3, 1])
    side = np.cross(truth.axis, normal / np.linalg.norm(normal))
    side /= np.linalg.norm(side)
    across = np.arange(-9.0, 9.05, 0.1)
    image = series.image(0) / series.level
    profile = np.mean(
        [
            along_line(image, series.ijk_to_ras, truth.guide_tip - depth * truth.axis + across[:, None] * side)
            for depth in np.arange(8.0, 26.0, 1.0)
        ],
        axis=0,
    )
    left, right = (np.abs(across + 3.5) < 1.2), (np.abs(across - 3.5) < 1.2)
    core = profile[np.abs(across) < 1.5].mean()
    assert max(profile[left].max(), profile[right].max()) > 2 * core
    for place, sign in ((left, -1), (right, 1)):
        wall = (sign * across > 4.2) & (sign * across < 6.0)
        assert profile[wall].min() < 0.12
        assert profile[wall].min() < 0.6 * profile[place].max()
    assert 9.0 <= truth.width <= 12.0


@pytest.mark.parametrize(("orientation", "seed"), CASES)
def test_angles_in_the_image_are_those_of_clinical_planes(orientation: str, seed: int) -> None:
    series = resting_case(orientation, seed)
    axis = series.truth.frames[0].axis
    right, up = (v / np.linalg.norm(v) for v in (series.ijk_to_ras[:3, 0], -series.ijk_to_ras[:3, 1]))
    angle = np.rad2deg(np.arctan2(axis @ up, axis @ right))
    low, high = (70, 105) if orientation == "coronal" else (115, 155)
    assert low <= angle <= high


def test_the_needle_stands_at_the_target_in_the_end_and_the_guide_points_there() -> None:
    series = resting_case("coronal", 0)
    truth = series.truth
    last = truth.frames[-1]
    assert np.linalg.norm(last.needle_tip - truth.target) < 6.0
    to_target = truth.target - last.guide_tip
    assert np.linalg.norm(np.cross(to_target, last.axis)) < 4.0
    assert np.linalg.norm(last.axis) == pytest.approx(1.0)
    assert to_target @ last.axis > 0
