"""The signal equation against a numerical Bloch simulation, the field map against the sphere, loops on their axis."""

import numpy as np
import pytest
from TemporalReconLib.simulation.bssfp import (
    ECHO_TIME_S,
    REPETITION_TIME_S,
    TISSUES,
    steady_state_signal,
)
from TemporalReconLib.simulation.coil_maps import loop_field
from TemporalReconLib.simulation.field_map import dipole_field


def bloch_signal(t1_ms: float, t2_ms: float, flip_deg: float, off_resonance_hz: float) -> complex:
    """Thousands of pulses with alternating phase, then the transverse magnetisation at TE (RF phase taken off)."""
    alpha = np.deg2rad(flip_deg)
    magnetisation = np.array([0.0, 0.0, 1.0])

    def evolve(state: np.ndarray, seconds: float) -> np.ndarray:
        angle = 2 * np.pi * off_resonance_hz * seconds
        e1, e2 = np.exp(-seconds * 1e3 / t1_ms), np.exp(-seconds * 1e3 / t2_ms)
        turned = np.array(
            [
                np.cos(angle) * state[0] - np.sin(angle) * state[1],
                np.sin(angle) * state[0] + np.cos(angle) * state[1],
                state[2],
            ]
        )
        return np.array([e2 * turned[0], e2 * turned[1], 1 + (turned[2] - 1) * e1])

    sign = 1.0
    for _ in range(4000):
        sign = -sign
        angle = sign * alpha
        rotation = np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])
        after_pulse = rotation @ magnetisation
        at_echo = evolve(after_pulse, ECHO_TIME_S)
        magnetisation = evolve(after_pulse, REPETITION_TIME_S)
    return complex(at_echo[0] + 1j * at_echo[1]) * sign


@pytest.mark.parametrize("tissue", ["fat", "muscle", "urine", "peripheral_zone"])
@pytest.mark.parametrize("off_resonance_hz", [0.0, 40.0, 109.0, 150.0])
def test_the_steady_state_agrees_with_thousands_of_simulated_pulses(tissue: str, off_resonance_hz: float) -> None:
    properties = TISSUES[tissue]
    expected = properties.density * abs(bloch_signal(properties.t1, properties.t2, 66.0, off_resonance_hz))
    assert abs(steady_state_signal(properties, 66.0, off_resonance_hz)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_phase_turns_by_half_a_turn_across_a_dark_band() -> None:
    either_side = steady_state_signal(TISSUES["urine"], 66.0, np.array([80.0, 140.0]))
    assert abs(np.angle(either_side[1] / either_side[0])) == pytest.approx(np.pi, abs=0.3)


def test_tissues_rank_as_in_a_clinical_image() -> None:
    signal = {name: abs(steady_state_signal(tissue, 66.0, 0.0)) for name, tissue in TISSUES.items()}
    assert signal["urine"] > 1.5 * signal["fat"] > 1.5 * signal["peripheral_zone"] > 1.5 * signal["muscle"]
    assert signal["peripheral_zone"] > signal["transition_zone"] > signal["muscle"] > 5 * signal["cortex"]


def test_the_field_of_a_sphere_is_a_dipole() -> None:
    axis = np.arange(96) - 48.0
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    radius = 8.0
    sphere = np.clip(radius + 0.5 - np.sqrt(x**2 + y**2 + z**2), 0, 1)
    field = dipole_field(sphere)
    for distance in (13, 18):
        expected = (1 / 3) * (radius / distance) ** 3
        assert field[48, 48, 48 + distance] == pytest.approx(2 * expected, rel=0.12)
        assert field[48 + distance, 48, 48] == pytest.approx(-expected, rel=0.12)


def test_a_loop_is_weaker_with_distance_as_on_its_axis_by_biot_and_savart() -> None:
    distances = np.array([60.0, 120.0, 240.0])
    points = np.stack([np.zeros(3), distances, np.zeros(3)], axis=-1)
    field = loop_field(points, np.zeros(3), np.array([0.0, 1.0, 0.0]))
    radius = np.linalg.norm(field[0]) ** (2 / 3) / np.linalg.norm(field[1]) ** (2 / 3)
    # |B| ~ (R^2 + d^2)^(-3/2): the ratio of two fields gives R, which must predict the third.
    r_squared = (120.0**2 - radius * 60.0**2) / (radius - 1)
    ratio = ((r_squared + 240.0**2) / (r_squared + 60.0**2)) ** -1.5
    assert np.linalg.norm(field[2]) / np.linalg.norm(field[0]) == pytest.approx(ratio, rel=0.01)
    assert np.allclose(field[:, [0, 2]], 0, atol=1e-9 * np.abs(field).max())
