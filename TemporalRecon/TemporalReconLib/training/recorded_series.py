"""A researcher's own fully sampled series as training data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_series import Frame, Series, shape_of
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.series import HDF5_SUFFIXES, ITK_SUFFIXES, NRRD_SUFFIXES, open_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.geometry import slice_geometry, transform_points
from TemporalReconLib.reconstruction.coil_sensitivities import compression_matrix, estimate_sensitivities
from TemporalReconLib.reconstruction.line_history import fft1c
from TemporalReconLib.simulation.coil_maps import simulated_coil_maps
from TemporalReconLib.simulation.object_phase import smooth_phase
from TemporalReconLib.training.recorded_truth import recorded_instruments
from TemporalReconLib.training.stored_series import StoredSeries

_MAX_COILS = 6
# Longer recordings are cut to a stretch of so many frames, as long as simulated ones.
_MAX_FRAMES = 40
# Slices darker than this beside the brightest one lie outside the patient.
_DARK = 0.1


def find_recordings(folder: Path, n_columns: int) -> tuple[Path, ...]:
    """The series in a folder: its files of known kinds, and its subfolders of DICOM files.

    Parameters
    ----------
    n_columns
        Columns that a series must have at least.

    Raises
    ------
    InputError
        If there is none, or one cannot be used: not a series over time, undersampled, too narrow, unreadable.
    """
    if not folder.is_dir():
        raise InputError(f"--data {folder}: no such folder; give one that holds fully sampled series")
    suffixes = (*NRRD_SUFFIXES, *ITK_SUFFIXES, *HDF5_SUFFIXES)
    found = tuple(path for path in sorted(folder.iterdir()) if path.is_dir() or path.name.lower().endswith(suffixes))
    if not found:
        raise InputError(f"--data {folder}: no series in it; expected files ({', '.join(suffixes)}) or DICOM folders")
    for path in found:
        _check(path, open_series(path), n_columns)
    return found


def recorded_series(generator: np.random.Generator, path: Path, coils: int, n_frames: int) -> StoredSeries:
    """A random slice over a random stretch of time; series too short for ``n_frames`` go forth and back.

    Multi-coil k-space keeps its coils (compressed to six virtual ones) and its phase. Images are looked at by
    ``coils`` simulated ones, magnitudes with a smooth phase that is drawn. Without a planning scan in the file the
    first frame stands for it. What noise a recording has is learned as if it were anatomy.

    Raises
    ------
    InputError
        If the file is not what :func:`find_recordings` accepted any more, or the truth beside it does not fit.
    """
    series = open_series(path)
    length = min(len(series), _MAX_FRAMES)
    first = int(generator.integers(len(series) - length + 1))
    numbers = np.arange(first, first + length)
    if length < n_frames:
        numbers = np.pad(numbers, (0, n_frames - length), mode="reflect")
    opening = series.planning if series.planning is not None else series.frame(0)
    index = _random_slice(generator, path, opening)
    frames = {number: series.frame(number) for number in np.unique(numbers)}
    shown = [_coil_images(frames[number], index) for number in numbers]
    planning = _coil_images(opening, index)
    if planning.shape[0] > 1:
        objects, maps = _combined([planning, *shown])
    else:
        objects, maps = _seen_by_simulated_coils(generator, opening, index, [planning, *shown], coils)
    instruments = recorded_instruments(path, len(series), slice_geometry(opening.ijk_to_ras, index))
    return StoredSeries(objects[1:], objects[0], maps, tuple(instruments[number] for number in numbers))


def _check(path: Path, series: Series, n_columns: int) -> None:
    if len(series) < 2:
        raise InputError(f"{path}: one time point; --data needs series over time, give volumes to --backgrounds")
    if series.image_shape[2] < n_columns:
        raise InputError(f"{path}: {series.image_shape[2]} columns; training on strips needs at least {n_columns}")
    frame = series.frame(0)
    if isinstance(frame, KSpaceFrame) and not frame.is_fully_sampled:
        raise InputError(f"{path}: undersampled (R = {frame.acceleration:.1f}); --data needs fully sampled series")


def _random_slice(generator: np.random.Generator, path: Path, frame: Frame) -> int:
    levels = [float(np.percentile(np.abs(_coil_images(frame, k)), 99)) for k in range(shape_of(frame)[0])]
    if not max(levels) > 0:
        raise InputError(f"{path}: its first frame is empty; expected an MR series")
    return int(generator.choice(np.flatnonzero(np.array(levels) >= _DARK * max(levels))))


def _coil_images(frame: Frame, index: int) -> NDArray[np.complex64]:
    """One slice, (coil, row, col); an image as that of one coil."""
    if isinstance(frame, KSpaceFrame):
        return kspace_to_image(frame.data[:, index])
    pixels = frame.data if frame.complex_data is None else frame.complex_data
    return pixels[index][np.newaxis].astype(np.complex64)


def _combined(images: Sequence[NDArray[np.complex64]]) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Objects (frame, row, col) and sensitivities (coil, row, col) of multi-coil images, by those of the first one."""
    stack = torch.from_numpy(np.stack(images, axis=1))
    compression = compression_matrix(stack[:, 0], _MAX_COILS)
    stack = torch.einsum("vc,cfyx->vfyx", compression, stack)
    lines = fft1c(stack[:, :1], dim=-2)
    maps = estimate_sensitivities(lines, torch.ones(1, lines.shape[-2], dtype=torch.bool))[:, 0]
    return (maps.conj()[:, None] * stack).sum(dim=0).numpy(), maps.numpy()


def _seen_by_simulated_coils(
    generator: np.random.Generator,
    frame: Frame,
    index: int,
    images: Sequence[NDArray[np.complex64]],
    coils: int,
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    objects = np.concatenate(images)
    rows, columns = objects.shape[1:]
    if isinstance(frame, ImageFrame) and frame.complex_data is None:
        objects *= smooth_phase(max(rows, columns), generator)[:rows, :columns]
    geometry = slice_geometry(frame.ijk_to_ras, index)
    center = transform_points(geometry, [(columns - 1) / 2, (rows - 1) / 2, 0.0])
    return objects, simulated_coil_maps(coils, geometry, (1, rows, columns), center)[:, 0]
