"""Training examples: a random crop of a picture on the working grid, turned, worn down, with its labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from TemporalReconLib.geometry import Matrix, directions_of, ras_to_ijk, spacing_of
from TemporalReconLib.simulation.instrument import InstrumentState

from InstrumentTrackerLib.segmentation.working_grid import PIXEL_MM, normalized
from InstrumentTrackerLib.training.drawing import draw
from InstrumentTrackerLib.training.intensities import worn_down
from InstrumentTrackerLib.training.picture import Picture

N_SLICES = 3
_SINGLE_SLICE = 0.25
_ZOOM = (0.82, 1.22)
# The working grid is turned so that the instrument comes from below; planes are oblique, and geometry may be wrong.
_ANGLE_STD_DEG = 35.0
_ANY_ANGLE = 0.2


@dataclass(frozen=True)
class Example:
    """One crop; stacked along a first axis they are a batch.

    Attributes
    ----------
    slices
        float32 (neighbor, row, col), normalized.
    target
        float32 (2, row, col): share of guide and needle in each pixel of the middle slice.
    tips
        float32 (4, 2): (col, row) of the guide tip, the needle tip, and the directions there from which they are
        reached; NaN where there is none in the middle slice.
    """

    slices: torch.Tensor
    target: torch.Tensor
    tips: torch.Tensor


def random_example(generator: np.random.Generator, picture: Picture, size: int) -> Example:
    """Draw a slice, an angle, a place and a zoom, then wear the crop down."""
    index = _random_slice(generator, picture)
    crop = _Crop.random(generator, picture, index, size)
    stack = crop.sample(picture.data, index)
    stack = worn_down(generator, stack)
    if picture.data.shape[0] == 1 or generator.random() < _SINGLE_SLICE:
        stack = np.repeat(stack[N_SLICES // 2 : N_SLICES // 2 + 1], N_SLICES, axis=0)
    slices = normalized(stack)
    target = np.zeros((2, size, size), dtype=np.float32)
    tips = np.full((4, 2), np.nan, dtype=np.float32)
    if picture.state is not None and picture.instrument is not None:
        grid = crop.ijk_to_ras(picture.ijk_to_ras, index)
        drawing = draw(picture.instrument, picture.state, grid, (1, size, size), picture.thickness_mm)
        target = np.concatenate([drawing.guide, drawing.needle]) * crop.inside(picture.data.shape)
        tips = _tips(picture.state, grid, target)
    return Example(
        torch.from_numpy(np.zeros_like(stack) if slices is None else slices),
        torch.from_numpy(target),
        torch.from_numpy(tips),
    )


@dataclass(frozen=True)
class _Crop:
    """Square of ``size`` pixels: index (col, row) of the picture = ``turn`` @ index of the crop + ``shift``."""

    turn: NDArray[np.float64]
    shift: NDArray[np.float64]
    size: int

    @classmethod
    def random(cls, generator: np.random.Generator, picture: Picture, index: int, size: int) -> _Crop:
        spacing = spacing_of(picture.ijk_to_ras)[:2]
        wanted = np.deg2rad(generator.normal(0.0, _ANGLE_STD_DEG))
        if generator.random() < _ANY_ANGLE:
            wanted = generator.uniform(-np.pi, np.pi)
        _, n_rows, n_columns = picture.data.shape
        focus = generator.uniform(0.25, 0.75, 2) * np.array([n_columns, n_rows])
        found = -np.pi / 2
        if picture.state is not None:
            x, y = (directions_of(picture.ijk_to_ras).T @ picture.state.axis)[:2]
            found = float(np.arctan2(y, x))
            focus = ras_to_ijk(picture.ijk_to_ras, picture.state.guide_tip)[:2]
        angle = found + np.pi / 2 - wanted
        cosine, sine = np.cos(angle), np.sin(angle)
        mirror = np.diag([float(generator.choice([-1, 1])), 1.0])
        zoom = float(np.exp(generator.uniform(*np.log(_ZOOM))))
        turn = np.array([[cosine, -sine], [sine, cosine]]) @ mirror * (PIXEL_MM / zoom) / spacing[:, None]
        # The picture's middle near the crop's, so that little is dark, but always what matters in the crop.
        middle = (np.array([n_columns, n_rows]) - 1) / 2
        place = size / 2 + np.linalg.solve(turn, focus - middle) + size * generator.uniform(-0.12, 0.12, 2)
        return cls(turn, focus - turn @ place.clip(0.12 * size, 0.88 * size), size)

    def sample(self, data: NDArray[np.float32], index: int) -> NDArray[np.float32]:
        """(neighbor, row, col) about a slice; beyond the stack slices repeat, beyond the picture it is dark."""
        last = data.shape[0] - 1
        reach = range(index - N_SLICES // 2, index + N_SLICES // 2 + 1)
        stack = torch.from_numpy(np.stack([data[min(max(n, 0), last)] for n in reach]))[None]
        limits = np.array([data.shape[2] - 1, data.shape[1] - 1])
        grid = torch.from_numpy((self._indices() * 2 / limits - 1).astype(np.float32))[None]
        sampled = torch.nn.functional.grid_sample(stack, grid, mode="bicubic", align_corners=True)[0].numpy()
        return np.asarray(np.maximum(sampled, 0), dtype=np.float32)

    def inside(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """1 where the picture (slice, row, col) reaches, else 0."""
        indices = self._indices()
        limits = np.array([shape[2] - 1, shape[1] - 1])
        return np.asarray(np.all((indices >= 0) & (indices <= limits), axis=-1), dtype=np.float32)

    def ijk_to_ras(self, picture: Matrix, index: int) -> Matrix:
        """Geometry of the crop's only slice."""
        affine = np.eye(4)
        affine[:2, :2] = self.turn
        affine[:2, 3] = self.shift
        affine[2, 3] = index
        return np.asarray(picture @ affine)

    def _indices(self) -> NDArray[np.float64]:
        row, column = np.mgrid[: self.size, : self.size].astype(np.float64)
        return np.stack([column, row], axis=-1) @ self.turn.T + self.shift


def _random_slice(generator: np.random.Generator, picture: Picture) -> int:
    n_slices = picture.data.shape[0]
    if picture.state is None or generator.random() < 0.4:
        return int(generator.integers(n_slices))
    nearest = ras_to_ijk(picture.ijk_to_ras, picture.state.guide_tip)[2]
    return int(np.clip(round(float(nearest)), 0, n_slices - 1))


def _tips(state: InstrumentState, grid: Matrix, target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the labels end, if they end inside the crop and in this slice."""
    tips = np.full((4, 2), np.nan, dtype=np.float32)
    before = [state.guide_tip - 5.0 * state.axis, state.needle_tip]
    points = [state.guide_tip, state.needle_tip]
    for number, (point, start) in enumerate(zip(points, before, strict=True)):
        if point is None or start is None:
            continue
        near = start if number == 0 else point - 2.0 * state.axis
        column, row = np.round(ras_to_ijk(grid, near)[:2]).astype(int)
        if not (0 <= row < target.shape[1] and 0 <= column < target.shape[2]) or target[number, row, column] < 0.5:
            continue
        tip = ras_to_ijk(grid, point)[:2]
        along = tip - ras_to_ijk(grid, point - state.axis)[:2]
        tips[number], tips[2 + number] = tip, along / max(float(np.linalg.norm(along)), 1e-6)
    return tips
