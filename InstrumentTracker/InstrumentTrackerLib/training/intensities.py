"""Random changes of brightness, contrast and sharpness that leave the truth where it is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]


def smooth_field(generator: np.random.Generator, shape: tuple[int, ...], grain_pixels: float) -> Array:
    """Smooth noise (row, col) of about unit variance with grains of a size."""
    knots = [max(3, round(n / grain_pixels) + 1) for n in shape]
    seeds = torch.from_numpy(generator.standard_normal(knots, dtype=np.float32))[None, None]
    field = torch.nn.functional.interpolate(seeds, size=tuple(shape), mode="bicubic", align_corners=True)
    return np.asarray(field[0, 0].numpy(), dtype=np.float32)


def recolored(generator: np.random.Generator, anatomy: Array) -> Array:
    """Anatomy of another contrast, 0 to about 1: a random curve of intensities, now and then inverted."""
    values = np.clip(anatomy / max(float(np.percentile(anatomy, 99)), 1e-3), 0, 1.5)
    draw = generator.random()
    if draw < 0.35:
        values = values ** np.float32(np.exp(generator.normal(0.0, 0.35)))
    elif draw < 0.7:
        levels = np.clip(np.linspace(0, 1, 6) + generator.normal(0.0, 0.25, 6), 0, 1.2)
        levels[0] = generator.uniform(0, 0.06)
        values = np.interp(values, np.linspace(0, 1.2, 6), levels)
    elif draw < 0.8:
        body = np.clip(ndimage.gaussian_filter(values, (0, 4, 4)) / 0.1, 0, 1)
        values = body * np.clip(1.05 - values, 0, 1.2)
    return np.asarray(values, dtype=np.float32)


def worn_down(generator: np.random.Generator, stack: Array) -> Array:
    """Coil shading, banding, blur, ringing, gamma, noise and an offset on a stack (slice, row, col)."""
    random, uniform = generator.random, generator.uniform
    shape = stack.shape[1:]
    top = max(float(np.percentile(stack, 99)), 1e-6)
    stack = stack / np.float32(top)
    if random() < 0.5:
        stack = stack * np.exp(np.float32(uniform(0.1, 0.5)) * smooth_field(generator, shape, 90))
    if random() < 0.25:
        stack = stack * _banding(generator, shape)
    if random() < 0.35:
        sigma = uniform(0.3, 1.3)
        stack = ndimage.gaussian_filter(stack, (0, sigma, sigma * uniform(0.5, 1.0)))
    if random() < 0.3:
        stack = _truncated(generator, stack)
    if random() < 0.8:
        level = float(np.exp(uniform(np.log(0.01), np.log(0.1))))
        noise = generator.standard_normal((2, *stack.shape), dtype=np.float32) * np.float32(level / np.sqrt(2))
        if random() < 0.25:
            noise = ndimage.gaussian_filter(noise, (0, 0, 0.8, 0.8)) * 2
        stack = np.hypot(stack + noise[0], noise[1])
    if random() < 0.4:
        stack = np.clip(stack, 0, None) ** np.float32(np.exp(generator.normal(0.0, 0.2)))
    if random() < 0.15:
        stack = stack + np.float32(uniform(-0.3, 0.3))
    return np.asarray(stack, dtype=np.float32)


def _banding(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Dark bands of bSSFP where a smooth field passes odd multiples of half a turn."""
    field = generator.uniform(0.5, 2.0) * smooth_field(generator, shape, 80) + generator.uniform(0, 1)
    return np.asarray(1 - generator.uniform(0.3, 1.0) * np.exp(-((np.cos(np.pi * field) / 0.2) ** 2)), dtype=np.float32)


def _truncated(generator: np.random.Generator, stack: Array) -> Array:
    """Fewer k-space samples along rows, columns or both: blur with ringing."""
    spectrum = np.fft.fft2(stack)
    for axis, keep in zip((-2, -1), generator.uniform(0.45, 1.0, 2), strict=True):
        frequency = np.abs(np.fft.fftfreq(stack.shape[axis]))
        kept = (frequency <= keep / 2).astype(np.float32)
        spectrum = spectrum * (kept[:, None] if axis == -2 else kept)
    return np.asarray(np.fft.ifft2(spectrum).real, dtype=np.float32)
