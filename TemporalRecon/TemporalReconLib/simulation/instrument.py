"""The needle guide and the needle as solids with signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The guide tip of the annotation convention lies in the middle of the dark cap: the gel ends about 4.5 mm before
# it, the cap's outer end lies about 5 mm beyond it. These are the simulator's own numbers, not those of the localizers:
# what is measured must not shift the truth that it is measured against.
CAP_REACH_MM = 5.0
# Bend of the needle is stated at this extension; a bent needle is a parabola.
BEND_REFERENCE_MM = 30.0


@dataclass(frozen=True)
class InstrumentState:
    """Where the instrument is at one moment (mm, RAS).

    Attributes
    ----------
    guide_tip
        Middle of the dark cap on the axis.
    axis
        Unit vector of the guide, from outside toward the tip.
    extension_mm
        Needle's reach beyond the guide tip along the axis; the needle shows where this exceeds the cap.
    bend
        Sideways offset (mm, across the axis) of the needle at 30 mm extension.
    """

    guide_tip: NDArray[np.float64]
    axis: NDArray[np.float64]
    extension_mm: float
    bend: NDArray[np.float64]

    @property
    def needle_tip(self) -> NDArray[np.float64] | None:
        """End of the needle, None while it is inside the guide."""
        if self.extension_mm <= CAP_REACH_MM:
            return None
        return self.guide_tip + self.axis * self.extension_mm + self.bend * (self.extension_mm / BEND_REFERENCE_MM) ** 2


@dataclass(frozen=True)
class Instrument:
    """Dimensions in mm and signals relative to the 99th percentile of the image.

    Across the guide: dark wall outside, a thin gel layer, a darker core. ``gel_imbalance`` makes the two bright
    lines unequal (1: one is missing) along ``imbalance_direction``, across the axis.
    """

    radius: float
    wall: float
    gel_radius: float
    gel_thickness: float
    gel_end: float
    length: float
    wall_signal: float
    gel_signal: float
    core_signal: float
    gel_imbalance: float
    needle_radius: float
    void_depth: float

    @classmethod
    def random(cls, generator: np.random.Generator, angle_to_b0_deg: float) -> Instrument:
        uniform = generator.uniform
        gel_radius = uniform(3.0, 3.9)
        radius = float(np.clip(gel_radius + uniform(1.7, 2.3), 4.6, 6.0))
        # The void of a needle along B0 is thinnest (about 2 mm), across B0 widest (about 4 mm).
        needle_radius = 1.1 + 1.1 * np.sin(np.deg2rad(angle_to_b0_deg)) * uniform(0.6, 1.0)
        return cls(
            radius=radius,
            wall=uniform(1.2, 1.7),
            gel_radius=gel_radius,
            gel_thickness=uniform(1.0, 1.5),
            gel_end=-float(np.clip(generator.normal(4.5, 0.4), 3.8, 5.2)),
            length=uniform(86, 99),
            wall_signal=uniform(0.015, 0.05),
            gel_signal=uniform(0.5, 0.95),
            core_signal=uniform(0.05, 0.18),
            gel_imbalance=float(generator.choice([0.15, 0.3, 0.5, 0.9], p=[0.35, 0.3, 0.25, 0.1])),
            needle_radius=float(np.clip(needle_radius, 1.1, 2.0)),
            void_depth=uniform(0.9, 1.0),
        )

    @property
    def width(self) -> float:
        return 2 * self.radius

    def opacity_and_signal(
        self, along: NDArray, across_1: NDArray, across_2: NDArray, edge: float
    ) -> tuple[NDArray, NDArray]:
        """Guide at points in its own coordinates.

        Parameters
        ----------
        along
            mm from the guide tip, positive beyond it.
        across_1, across_2
            mm across the axis; gel is brightest toward positive ``across_1``.
        edge
            Width over which surfaces are smoothed, mm.

        Returns
        -------
        (opacity, signal premultiplied by opacity), of the shape of the points.
        """
        radius = np.sqrt(across_1 * across_1 + across_2 * across_2)
        beyond = np.maximum(along - (CAP_REACH_MM - self.radius), 0)
        surface = np.sqrt(radius * radius + beyond * beyond) - self.radius
        inside = _ramp(-np.maximum(surface, -(along + self.length)), edge)
        lumen = _ramp(self.gel_end - along, edge)
        gel = lumen * _ramp(self.gel_thickness / 2 - np.abs(radius - self.gel_radius), edge)
        core = lumen * _ramp(self.gel_radius - self.gel_thickness / 2 - radius, edge)
        side = 1 + self.gel_imbalance * across_1 / np.maximum(radius, 1e-3)
        signal = self.wall_signal + gel * (self.gel_signal * side - self.wall_signal)
        signal += core * (self.core_signal - self.wall_signal)
        return inside, inside * signal

    def needle_opacity(self, along: NDArray, across: NDArray, extension_mm: float, edge: float) -> NDArray:
        """Void of the needle; ``across`` is the distance from its (bent) center line in mm."""
        inside = _ramp(self.needle_radius - across, edge) * _ramp(extension_mm - along, edge) * (along > -1.0)
        return np.asarray(self.void_depth * inside)


def _ramp(distance: NDArray, edge: float) -> NDArray:
    """0 outside, 1 inside, linear over ``edge`` mm around distance 0."""
    return np.clip(distance / edge + 0.5, 0, 1)
