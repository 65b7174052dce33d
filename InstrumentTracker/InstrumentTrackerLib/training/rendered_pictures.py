"""Pictures of instruments of any look in random oblique cuts through volumes without instrument."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from TemporalReconLib.geometry import (
    Matrix,
    directions_of,
    ijk_to_ras_from_parts,
    ras_to_ijk,
    rotation,
    transform_points,
)
from TemporalReconLib.simulation.anatomy import FLIP_RANGE_DEG, pelvis_signal
from TemporalReconLib.simulation.background_volume import BackgroundVolume

from InstrumentTrackerLib.segmentation.working_grid import PIXEL_MM
from InstrumentTrackerLib.training.drawing import Drawing, draw
from InstrumentTrackerLib.training.intensities import recolored, smooth_field
from InstrumentTrackerLib.training.look_alikes import add_look_alikes
from InstrumentTrackerLib.training.looks import moved, random_look, random_state
from InstrumentTrackerLib.training.picture import Picture
from InstrumentTrackerLib.training.undersampled import undersampled

SIZE = 240
_N_SLICES = 3
_ABSENT = 0.18
_PROCEDURAL_SHAPE = (44, 168, 168)
_PROCEDURAL_SPACING = (1.7, 1.7, 3.0)

Array = NDArray[np.float32]


def procedural_volume(generator: np.random.Generator) -> BackgroundVolume:
    """A procedural pelvis about its prostate, as magnitude volume of 286 x 132 x 286 mm (coronal)."""
    planes, rows, columns = _PROCEDURAL_SHAPE
    spacing = np.array(_PROCEDURAL_SPACING)
    directions = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]).T
    origin = -directions @ (spacing * (np.array([columns, rows, planes]) - 1) / 2)
    grid = ijk_to_ras_from_parts(origin, directions, spacing)
    flip_deg = float(generator.uniform(*FLIP_RANGE_DEG))
    signal = np.abs(pelvis_signal(generator, grid, _PROCEDURAL_SHAPE, np.zeros(3), None, flip_deg))
    top = float(np.percentile(signal, 99))
    return BackgroundVolume(np.clip(signal / top, 0, 1.6).astype(np.float32), grid)


class RenderedPictures:
    """Draws a picture after the other; of procedural volumes a few are kept and slowly renewed."""

    def __init__(
        self, generator: np.random.Generator, backgrounds: Sequence[Path], n_procedural: int, uses_of_volume: int
    ) -> None:
        self._generator, self._n_procedural, self._uses = generator, n_procedural, uses_of_volume
        self._real = [BackgroundVolume.read(path) for path in backgrounds]
        self._procedural: list[BackgroundVolume] = []
        self._count = 0

    def next(self) -> Picture:
        """Another picture: anatomy, look-alikes, perhaps an instrument, perhaps undersampled."""
        generator = self._generator
        if generator.random() < _ABSENT:
            return self.next_without_instrument()
        anatomy, grid, thickness = self._anatomy()
        shape = anatomy.shape
        instrument = random_look(generator)
        state = random_state(generator, grid, shape, thickness)
        opacity = float(generator.choice([1.0, generator.uniform(0.7, 1.0)], p=[0.8, 0.2]))
        drawing = draw(instrument, state, grid, shape, thickness, opacity)
        worn = np.clip(1 + generator.choice([0.0, 0.25, 0.6]) * smooth_field(generator, shape[1:], 24), 0.0, 1.8)
        now = _with_instrument(anatomy, drawing, worn)
        before = anatomy
        if generator.random() < 0.6:
            earlier = draw(instrument, moved(generator, state), grid, shape, thickness, opacity)
            before = _with_instrument(anatomy, earlier, worn)
        return Picture(undersampled(generator, now, before), grid, thickness, instrument, state)

    def next_without_instrument(self) -> Picture:
        """Anatomy and look-alikes, perhaps undersampled."""
        anatomy, grid, thickness = self._anatomy()
        return Picture(undersampled(self._generator, anatomy, anatomy), grid, thickness)

    def _anatomy(self) -> tuple[Array, Matrix, float]:
        """A recolored cut (slice, row, col) with look-alikes, its ``ijk_to_ras`` and the thickness of its slices."""
        generator = self._generator
        volume = self._volume()
        grid, thickness = _random_cut(generator, volume)
        anatomy = recolored(generator, _sampled(generator, volume, grid, (_N_SLICES, SIZE, SIZE)))
        # Vessels and gas come in more sizes than the instrument does.
        size = 1.0 if generator.random() < 0.5 else float(generator.uniform(0.8, 1.4))
        return add_look_alikes(generator, anatomy, PIXEL_MM * size), grid, thickness

    def _volume(self) -> BackgroundVolume:
        generator = self._generator
        if self._count % self._uses == 0:
            self._procedural = [*self._procedural, procedural_volume(generator)][-self._n_procedural :]
        self._count += 1
        volumes = self._real if self._real and generator.random() < 0.5 else self._procedural
        return volumes[int(generator.integers(len(volumes)))]


def _with_instrument(anatomy: Array, drawing: Drawing, worn: Array) -> Array:
    return np.asarray(anatomy * (1 - drawing.opacity) + drawing.signal * worn, dtype=np.float32)


def _random_cut(generator: np.random.Generator, volume: BackgroundVolume) -> tuple[Matrix, float]:
    """Geometry of a stack near the volume's own planes or a perpendicular pair, turned, tilted and zoomed."""
    uniform = generator.uniform
    axes = directions_of(volume.ijk_to_ras)
    if generator.random() < 0.5:
        axes = axes[:, generator.permutation(3)]
    axes = (
        axes
        @ rotation(generator.normal(0.0, np.deg2rad([9.0, 9.0, 0.0])))
        @ rotation(np.array([0.0, 0.0, uniform(-np.pi, np.pi)]))
    )
    distance = uniform(2.5, 5.0)
    spacing = np.array([PIXEL_MM, PIXEL_MM, distance])
    center = volume.center_ras + axes @ (uniform(-1, 1, 3) * np.array([35.0, 35.0, 20.0]))
    origin = center - axes @ (spacing * (np.array([SIZE, SIZE, _N_SLICES]) - 1) / 2)
    return ijk_to_ras_from_parts(origin, axes, spacing), distance


def _sampled(
    generator: np.random.Generator, volume: BackgroundVolume, grid: Matrix, shape: tuple[int, int, int]
) -> Array:
    """The volume on a grid, zoomed about its middle; beyond its border dark, or mirrored."""
    plane, row, column = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij")
    zoom = float(np.exp(generator.uniform(np.log(0.7), np.log(1.4))))
    middle = np.array([(shape[2] - 1) / 2, (shape[1] - 1) / 2, 0.0])
    indices = (np.stack([column, row, plane], axis=-1) - middle) * np.array([zoom, zoom, 1.0]) + middle
    index = ras_to_ijk(volume.ijk_to_ras, transform_points(grid, indices))
    mode = "mirror" if generator.random() < 0.6 else "constant"
    order = np.moveaxis(index[..., ::-1], -1, 0)
    return np.asarray(ndimage.map_coordinates(volume.values, order, order=1, mode=mode), dtype=np.float32)
