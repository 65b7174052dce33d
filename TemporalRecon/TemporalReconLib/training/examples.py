"""Random training examples: column strips of a stored series with masks, coils, noise and a planning scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from TemporalReconLib.acquisition.masks import MASK_KINDS, sampling_mask
from TemporalReconLib.reconstruction.coil_sensitivities import (
    brightness_of,
    estimate_sensitivities,
    low_resolution_images,
)
from TemporalReconLib.reconstruction.line_history import fft1c
from TemporalReconLib.training.frame_course import random_course
from TemporalReconLib.training.instrument_maps import instrument_maps
from TemporalReconLib.training.stored_series import StoredSeries, VisibleInstrument


@dataclass(frozen=True)
class Example:
    """One strip of one series, as tensors; stacked along a first axis they are a batch.

    Attributes
    ----------
    objects
        complex64 (frame, row, col), scaled so that tissue is about 1.
    coil_maps, sensitivities
        complex64 (coil, row, col): true ones, and those that would have been estimated.
    planning
        complex64 (row, col); zero where there is no planning scan.
    mask
        bool (frame, ky).
    noise
        float32 scalar, standard deviation of the real part of a sample's noise.
    maps
        float32 (frame, 3, row, col): shaft, tip, and weight of the image's error.
    """

    objects: torch.Tensor
    coil_maps: torch.Tensor
    sensitivities: torch.Tensor
    planning: torch.Tensor
    mask: torch.Tensor
    noise: torch.Tensor
    maps: torch.Tensor


@dataclass(frozen=True)
class Sampling:
    """How the frames of a batch are acquired, the same for all its examples.

    Attributes
    ----------
    n_frames
        Frames of an example.
    n_lines
        Lines of each frame.
    n_columns
        Width of a strip.
    """

    n_frames: int
    n_lines: int
    n_columns: int

    @classmethod
    def random(cls, generator: np.random.Generator, matrix: int, n_frames: int, n_columns: int) -> Sampling:
        """R from 4 to 40, evenly on a logarithmic scale."""
        acceleration = float(np.exp(generator.uniform(np.log(4.0), np.log(40.0))))
        return cls(n_frames, max(4, round(matrix / acceleration)), n_columns)


def random_example(generator: np.random.Generator, series: StoredSeries, sampling: Sampling) -> Example:
    """Draw a strip, a stretch of time, masks, noise, and a planning scan that may be missing or mismatched."""
    n_frames, n_rows, n_columns = series.objects.shape
    chosen = random_course(generator, n_frames, sampling.n_frames)
    first = int(chosen[0])
    instruments = [series.instruments[number] for number in chosen]
    planning = _random_planning(generator, series, first)
    noise = float(np.exp(generator.uniform(np.log(0.004), np.log(0.05))))
    sensitivities, scale = _estimated(generator, series, planning, first, noise)
    columns = _random_columns(generator, n_columns, instruments, sampling.n_columns)
    objects = series.objects[:, :, columns][chosen] / scale
    maps = np.stack([instrument_maps(item, (n_rows, n_columns)) for item in instruments])
    example = Example(
        torch.from_numpy(np.ascontiguousarray(objects)),
        torch.from_numpy(np.ascontiguousarray(series.coil_maps[:, :, columns])),
        sensitivities[:, :, columns].contiguous(),
        torch.zeros(objects.shape[1:], dtype=torch.complex64)
        if planning is None
        else torch.from_numpy(np.ascontiguousarray(planning[:, columns] / np.float32(scale))),
        torch.from_numpy(_random_masks(generator, n_rows, sampling)),
        torch.tensor(noise, dtype=torch.float32),
        torch.from_numpy(maps[..., columns]),
    )
    return _mirrored(example) if generator.random() < 0.5 else example


def _random_planning(generator: np.random.Generator, series: StoredSeries, first: int) -> NDArray[np.complex64] | None:
    """The planning scan: often there, seldom a perfect match.

    A prior that always fits teaches a network to trust it, and a trusted prior hides the needle.
    """
    draw = generator.random()
    if draw < 0.3 or series.planning is None:
        return None
    # A fully sampled first frame shows an instrument that has moved on since.
    planning = series.objects[max(0, first - int(generator.integers(1, 6)))] if draw < 0.42 else series.planning
    shift = generator.normal(0.0, 1.0, 2) if generator.random() < 0.5 else np.zeros(2)
    spectrum = ndimage.fourier_shift(np.fft.fft2(planning), shift)
    contrast = np.exp(generator.normal(0.0, 0.12) * _smooth_field(generator, planning.shape))
    phase = np.exp(1j * generator.normal(0.0, 0.15))
    return np.asarray(np.fft.ifft2(spectrum) * contrast * phase, dtype=np.complex64)


def _smooth_field(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    coarse = generator.standard_normal((4, 4))
    return np.asarray(ndimage.zoom(coarse, (shape[0] / 4, shape[1] / 4), order=3, grid_mode=True, mode="nearest"))


def _estimated(
    generator: np.random.Generator,
    series: StoredSeries,
    planning: NDArray[np.complex64] | None,
    first: int,
    noise: float,
) -> tuple[torch.Tensor, float]:
    """Sensitivities from the center of the planning scan or of the lines so far, and the image's brightness."""
    reference = series.objects[first] if planning is None else planning
    lines = fft1c(torch.from_numpy(series.coil_maps * reference), dim=-2)
    n_rows = lines.shape[-2]
    sampled = torch.ones(1, n_rows, dtype=torch.bool)
    if planning is None:
        half = int(generator.integers(0, 13))
        sampled = ((torch.arange(n_rows) - n_rows // 2).abs() <= half)[None]
    brightness = brightness_of(low_resolution_images(lines[:, None], sampled))
    noisy = lines + noise * brightness * torch.from_numpy(_noise(generator, tuple(lines.shape)))
    scale = brightness * float(np.exp(generator.normal(0.0, 0.15)))
    return estimate_sensitivities(noisy[:, None], sampled)[:, 0], scale


def _noise(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    parts = generator.standard_normal((*shape, 2), dtype=np.float32)
    return parts.view(np.complex64)[..., 0]


def _random_columns(
    generator: np.random.Generator, n_columns: int, instruments: Sequence[VisibleInstrument | None], width: int
) -> slice:
    """Mostly a strip that holds the tip."""
    tips = [item.tip[1] for item in instruments if item is not None]
    center = generator.uniform(width / 2, n_columns - width / 2)
    if tips and generator.random() < 0.8:
        center = tips[int(generator.integers(len(tips)))] + generator.uniform(-0.3, 0.3) * width
    begin = int(np.clip(round(center - width / 2), 0, n_columns - width))
    return slice(begin, begin + width)


def _random_masks(generator: np.random.Generator, n_rows: int, sampling: Sampling) -> NDArray[np.bool_]:
    """Masks (frame, ky) of one kind; frames get lost now and then, which shifts a golden order."""
    kind = str(generator.choice([*MASK_KINDS, "golden", "uniform"]))
    seed, start = int(generator.integers(10_000)), int(generator.integers(1_000))
    mask = np.zeros((sampling.n_frames, n_rows), dtype=bool)
    for index, row in enumerate(mask):
        if generator.random() < 0.04:
            start += int(generator.integers(1, 4))
        if kind == "uniform":
            row[generator.choice(n_rows, sampling.n_lines, replace=False)] = True
        else:
            drawn = sampling_mask(kind, n_rows, 1, n_rows / sampling.n_lines, start + index, seed)[0]
            row[np.flatnonzero(drawn)[: sampling.n_lines]] = True
    return mask


def _mirrored(example: Example) -> Example:
    return Example(
        example.objects.flip(-1),
        example.coil_maps.flip(-1),
        example.sensitivities.flip(-1),
        example.planning.flip(-1),
        example.mask,
        example.noise,
        example.maps.flip(-1),
    )
