"""ISMRMRD (MRD) files: raw k-space lines with their headers, in HDF5."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from ismrmrd.hdf5 import acquisition_header_dtype
from numpy.typing import NDArray

from TemporalReconLib.acquisition.frame_assembler import FrameAssembler, is_imaging_line
from TemporalReconLib.acquisition.frame_series import NOMINAL_FRAME_INTERVAL_S, Series, name_from_file
from TemporalReconLib.acquisition.image_volume import frame_interval_of
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.line_clock import LineClock
from TemporalReconLib.acquisition.mrd_conventions import PLANNING_GROUP, SERIES_GROUP
from TemporalReconLib.acquisition.mrd_header import parse_mrd_header
from TemporalReconLib.acquisition.prewhitening import NOISE_FLAG, Prewhitening
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import same_geometry

logger = logging.getLogger(__name__)

HDF5_ERRORS = (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError)


class IsmrmrdSeries(Series):
    """Frames of one data set in an ISMRMRD file; one frame per repetition.

    Headers are read when it is opened, samples when a frame is asked for.

    Parameters
    ----------
    noise
        How the lines are whitened; None takes the noise scans of the data set itself.

    Raises
    ------
    InputError
        If the file or the data set is missing, truncated, foreign, not Cartesian 2D, or has no imaging line.
    """

    is_kspace = True

    def __init__(self, path: Path, group: str = SERIES_GROUP, noise: Prewhitening | None = None) -> None:
        self._path = path
        self._group = group
        self._source = str(path) if group == SERIES_GROUP else f"{path} ({group})"
        self.name = name_from_file(path)
        xml, heads = self._read_headers()
        self._encoding = parse_mrd_header(xml, self._source)
        self._heads = heads
        imaging = np.array([is_imaging_line(head, self._encoding) for head in heads], dtype=bool)
        if not imaging.any():
            raise InputError(f"{self._source}: no imaging line (only noise or calibration?); nothing to reconstruct")
        lines = np.flatnonzero(imaging)
        repetitions = heads["idx"]["repetition"][lines]
        self._lines = [lines[repetitions == repetition] for repetition in np.unique(repetitions)]
        slices = heads["idx"]["slice"][lines]
        self._n_slices = max(self._encoding.n_slices, int(slices.max()) + 1)
        self._slice_heads = {int(number): heads[lines[slices == number][0]] for number in np.unique(slices)}
        self.noise = self._noise_before(lines[0]) if noise is None else noise
        ticks = heads["acquisition_time_stamp"].astype(np.int64)
        self.image_shape = (self._n_slices, self._encoding.n_rows, self._encoding.n_columns)
        self._clock = LineClock(
            self._encoding, first_tick=int(ticks[self._lines[0]].min()), has_ticks=bool(ticks[lines].any())
        )
        if self._clock.is_running:
            starts = [min(self._clock.times_of(head)[0] for head in heads[own]) for own in self._lines]
            self.frame_interval_s = frame_interval_of(np.array(starts))

    def __len__(self) -> int:
        return len(self._lines)

    def frame(self, index: int) -> KSpaceFrame:
        lines = self._lines[self._checked_index(index)]
        assembler = FrameAssembler(
            self._encoding,
            self._n_slices,
            self._source,
            self._clock,
            stream_id=self.name,
            slice_heads=self._slice_heads,
        )
        for line, samples in zip(lines, self._read_samples(lines), strict=True):
            assembler.add(self._heads[line], self.noise.whitened(samples))
        return assembler.finish(index, default_time_s=index * NOMINAL_FRAME_INTERVAL_S)

    def _noise_before(self, first_line: int) -> Prewhitening:
        """Noise scans before the first imaging line whiten the series, as in the live stream."""
        noise = Prewhitening()
        lines = np.flatnonzero((self._heads["flags"][:first_line] & np.uint64(NOISE_FLAG)) != 0)
        if lines.size:
            for line, samples in zip(lines, self._read_samples(lines), strict=True):
                try:
                    noise.add_noise(samples, float(self._heads[line]["sample_time_us"]))
                except InputError as error:
                    logger.warning("%s: %s", self._source, error)
        head = self._heads[first_line]
        try:
            noise.begin_series(int(head["active_channels"]), float(head["sample_time_us"]))
        except InputError as error:
            logger.warning("%s: %s", self._source, error)
        return noise

    def _read_headers(self) -> tuple[bytes, NDArray[Any]]:
        try:
            with h5py.File(self._path, "r") as file:
                group = file[self._group]
                absent = [name for name in ("xml", "data") if name not in group]
                if absent:
                    raise InputError(
                        f"{self._source}: ISMRMRD file without '{absent[0]}' in group '{self._group}'; "
                        "expected a header 'xml' and acquisitions 'data'"
                    )
                xml = group["xml"][0]
                heads = group["data"].fields("head")[:]
        except InputError:
            raise
        except HDF5_ERRORS as error:
            raise InputError(
                f"{self._source}: cannot be read as ISMRMRD ({hdf5_reason(error)}); "
                f"expected a group '{self._group}' with 'xml' and 'data'"
            ) from error
        missing = set(acquisition_header_dtype.names or ()) - set(heads.dtype.names or ())
        if missing:
            raise InputError(f"{self._source}: acquisition headers lack '{sorted(missing)[0]}'; not an ISMRMRD file")
        return xml, heads

    def _read_samples(self, lines: NDArray[np.intp]) -> list[NDArray[np.complex64]]:
        """(coil, sample) of each line, read in contiguous runs."""
        runs = np.split(lines, np.flatnonzero(np.diff(lines) != 1) + 1)
        try:
            with h5py.File(self._path, "r") as file:
                data = file[self._group]["data"].fields("data")
                raw = [samples for run in runs for samples in data[int(run[0]) : int(run[-1]) + 1]]
        except HDF5_ERRORS as error:
            raise InputError(f"{self._source}: samples cannot be read ({hdf5_reason(error)}); truncated?") from error
        result = []
        for line, samples in zip(lines, raw, strict=True):
            head = self._heads[line]
            shape = (int(head["active_channels"]), int(head["number_of_samples"]))
            if samples.dtype != np.float32 or samples.size != 2 * shape[0] * shape[1] or samples.size == 0:
                raise InputError(
                    f"{self._source}: line {line} has {samples.size} numbers, its header says {shape} complex samples"
                )
            result.append(samples.view(np.complex64).reshape(shape))
        return result


def open_ismrmrd(path: Path) -> IsmrmrdSeries:
    """The series of a file, with its planning scan if the file has one.

    Raises
    ------
    InputError
        Also if the planning scan is undersampled or has another geometry than the series.
    """
    series = IsmrmrdSeries(path)
    with h5py.File(path, "r") as file:
        has_planning = PLANNING_GROUP in file
    if has_planning:
        # Coils and scale must be the series' own: its noise whitens the planning scan, too.
        planning = IsmrmrdSeries(path, PLANNING_GROUP, series.noise).frame(0)
        if not planning.is_fully_sampled:
            raise InputError(f"{path} ({PLANNING_GROUP}): R = {planning.acceleration:.1f}; it must be fully sampled")
        first = series.frame(0)
        is_placed_alike = same_geometry(planning.ijk_to_ras, first.ijk_to_ras, tolerance_mm=0.1)
        if planning.image_shape != series.image_shape or not is_placed_alike:
            raise InputError(f"{path} ({PLANNING_GROUP}): matrix or geometry differs from the series; remove the group")
        series.planning = planning
    return series


def hdf5_reason(error: BaseException) -> str:
    """One line of an HDF5 error."""
    lines = str(error).strip().strip("'\"").splitlines()
    return lines[0][:160] if lines else type(error).__name__
