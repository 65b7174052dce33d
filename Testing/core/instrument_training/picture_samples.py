"""Pictures made in a millisecond: an instrument on plain tissue, at a pose the test chooses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from InstrumentTrackerLib.training.drawing import draw
from InstrumentTrackerLib.training.picture import Picture
from TemporalReconLib.geometry import ijk_to_ras_from_center
from TemporalReconLib.simulation.instrument import Instrument, InstrumentState

SIZE, PIXEL, THICKNESS = 128, 1.1, 3.0
TISSUE = 0.5


def a_picture(angle: float = -np.pi / 2, extension: float = 25.0, seed: int = 0, present: bool = True) -> Picture:
    """Three slices of even tissue; the guide tip lies near the middle of the middle one."""
    grid = ijk_to_ras_from_center(np.zeros(3), np.eye(3), (PIXEL, PIXEL, THICKNESS), (SIZE, SIZE, 3))
    shape = (3, SIZE, SIZE)
    if not present:
        return Picture(np.full(shape, TISSUE, dtype=np.float32), grid, THICKNESS)
    instrument = Instrument.random(np.random.default_rng(seed), 50.0)
    axis = np.array([np.cos(angle), np.sin(angle), 0.0])
    state = InstrumentState(np.array([2.0, 3.0, 0.0]), axis, extension, np.zeros(3))
    drawing = draw(instrument, state, grid, shape, THICKNESS)
    data = TISSUE * (1 - drawing.opacity) + drawing.signal
    return Picture(data.astype(np.float32), grid, THICKNESS, instrument, state)


class FewPictures:
    """Stands for both sources of pictures: with and without instrument in turn."""

    def __init__(self, *arguments: object, **options: object) -> None:
        self._count = 0

    def next(self) -> Picture:
        self._count += 1
        return a_picture(seed=self._count, present=self._count % 3 != 0)


def few_pictures(*arguments: object) -> Iterator[Picture]:
    pictures = FewPictures()
    while True:
        yield pictures.next()
