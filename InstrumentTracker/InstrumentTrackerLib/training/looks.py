"""Instruments of many looks: wider than those of the simulator, so that no single look is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.geometry import Matrix, directions_of
from TemporalReconLib.simulation.instrument import Instrument, InstrumentState

_NEEDLE_LONGEST_MM = 48.0


def random_look(generator: np.random.Generator) -> Instrument:
    """Dimensions and signals; gel lines bright, dim, one-sided or absent, core dark or bright, void faint or black."""
    uniform = generator.uniform
    radius = uniform(4.2, 6.8)
    gel_radius = radius - uniform(1.5, 2.6)
    gel = float(generator.choice([uniform(0.5, 1.2), uniform(0.2, 0.5), uniform(0.02, 0.2)], p=[0.62, 0.3, 0.08]))
    return Instrument(
        radius=radius,
        wall=uniform(1.0, 2.0),
        gel_radius=gel_radius,
        gel_thickness=uniform(0.8, 2.0),
        gel_end=-float(np.clip(generator.normal(4.5, 0.7), 3.0, 6.0)),
        length=uniform(80, 105),
        wall_signal=uniform(0.0, 0.12),
        gel_signal=gel,
        core_signal=float(generator.choice([uniform(0.02, 0.25), uniform(0.2, 0.6)], p=[0.85, 0.15])),
        gel_imbalance=float(generator.choice([uniform(0, 0.3), uniform(0.3, 0.9), 1.0], p=[0.45, 0.35, 0.2])),
        needle_radius=uniform(0.8, 2.4),
        void_depth=float(generator.choice([uniform(0.8, 1.0), uniform(0.4, 0.8)], p=[0.7, 0.3])),
    )


def random_state(
    generator: np.random.Generator, ijk_to_ras: Matrix, shape: tuple[int, int, int], thickness_mm: float
) -> InstrumentState:
    """A pose in a stack: the guide tip nearly anywhere, any angle in the plane, often a little through it."""
    uniform = generator.uniform
    angle = uniform(-np.pi, np.pi)
    tilt = np.deg2rad(generator.normal(0.0, 2.5))
    directions = directions_of(ijk_to_ras)
    axis = directions @ np.array([np.cos(angle) * np.cos(tilt), np.sin(angle) * np.cos(tilt), np.sin(tilt)])
    center = np.array([shape[2], shape[1]]) / 2
    # Beyond the middle of the picture, seen from where it comes in, so that some of the guide is in it.
    place = center + 0.36 * center * uniform(-1, 1, 2) + 0.25 * center * np.array([np.cos(angle), np.sin(angle)])
    height = (shape[0] // 2) + float(np.clip(generator.normal(0.0, 0.6), -1.6, 1.6)) * max(thickness_mm, 3.0) / 3.0
    tip = (ijk_to_ras @ np.array([*place, height, 1.0]))[:3]
    extension = 0.0 if generator.random() < 0.3 else uniform(3.0, _NEEDLE_LONGEST_MM)
    return InstrumentState(tip, axis / np.linalg.norm(axis), extension, random_bend(generator, axis))


def random_bend(generator: np.random.Generator, axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sideways offset of the needle at 30 mm, across the axis; mostly small."""
    bend = generator.normal(0.0, float(generator.choice([0.4, 1.2, 2.5], p=[0.5, 0.35, 0.15])), 3)
    return np.asarray(bend - (bend @ axis) * axis)


def moved(generator: np.random.Generator, state: InstrumentState) -> InstrumentState:
    """The same instrument some frames ago: pulled back, pivoted, the needle not yet out."""
    axis = state.axis + generator.normal(0.0, 0.03, 3)
    axis = axis / np.linalg.norm(axis)
    tip = state.guide_tip - state.axis * abs(generator.normal(0.0, 6.0)) + generator.normal(0.0, 1.5, 3)
    extension = float(max(0.0, state.extension_mm - generator.choice([0.0, 6.0, 20.0])))
    return replace(state, guide_tip=tip, axis=axis, extension_mm=extension)
