"""Write k-space frames as an ISMRMRD (MRD) file.

Group ``dataset`` holds the series: one acquisition per sampled line, repetition = frame, slice, and
kspace_encode_step_1 = ky. Group ``planning``, itself an ISMRMRD data set, holds a fully sampled planning frame.
A line's position is that of pixel (columns // 2, rows // 2) of its slice; positions and directions are LPS.

Times: ``acquisition_time_stamp`` counts ticks of 2.5 ms from the start of the earliest frame, which the header
names in the user parameter ``time_origin_s``. Exact starts are in ``user_int[0]`` (whole seconds) and
``user_int[1]`` (microseconds) after the same origin; ``user_int[2]`` is the duration of the line in microseconds.
Lines of a frame follow each other slice by slice, ky ascending, evenly between its start and end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import ismrmrd
import numpy as np
from ismrmrd import xsd
from ismrmrd.hdf5 import acquisition_dtype
from numpy.typing import NDArray

from TemporalReconLib.acquisition.guarded_file import GuardedFile
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.mrd_conventions import (
    PLANNING_GROUP,
    SECONDS_PER_TICK,
    SERIES_GROUP,
    TIME_ORIGIN_PARAMETER,
)
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, directions_of, same_geometry, spacing_of, transform_points

# Counters of the format are 16 bits wide.
MAX_FRAMES = 65_536

_HYDROGEN_HZ_PER_T = 42_577_478.5


@dataclass(frozen=True)
class SequenceParameters:
    """What the header says of the pulse sequence; 0 where it is not known.

    Attributes
    ----------
    repetition_time_ms, echo_time_ms, flip_angle_deg
        Of the balanced SSFP sequence.
    field_strength_t
        Of the magnet.
    """

    repetition_time_ms: float = 0.0
    echo_time_ms: float = 0.0
    flip_angle_deg: float = 0.0
    field_strength_t: float = 2.893


def write_ismrmrd(
    path: Path,
    frames: Iterable[KSpaceFrame],
    planning: KSpaceFrame | None = None,
    sequence: SequenceParameters | None = None,
) -> int:
    """Write a series; the file appears whole under its name or not at all.

    Parameters
    ----------
    frames
        Frames of one coil number, matrix and geometry, taken one by one, so that they may be computed on the way.
    planning
        Fully sampled frame of the same matrix and geometry.

    Returns
    -------
    Number of frames written.

    Raises
    ------
    InputError
        If the file cannot be written, there is no frame, or a frame does not fit the first one.
    """
    parameters = SequenceParameters() if sequence is None else sequence
    if planning is not None and not planning.is_fully_sampled:
        raise InputError(f"{path}: the planning frame has R = {planning.acceleration:.1f}; it must be fully sampled")
    with written_atomically(path) as temporary, h5py.File(temporary, "w") as file:
        origin_s: float | None = None if planning is None else planning.acquisition_start_time
        first = planning
        count = 0
        for count, frame in enumerate(frames, start=1):
            if count > MAX_FRAMES:
                raise InputError(f"{path}: more than {MAX_FRAMES} frames do not fit into one ISMRMRD file")
            first = frame if first is None else first
            origin_s = frame.acquisition_start_time if origin_s is None else origin_s
            _require_alike(path, first, frame)
            _append(file, SERIES_GROUP, frame, count - 1, origin_s)
            newest = frame
        if count == 0:
            raise InputError(f"{path}: no frame to write")
        _write_header(file, SERIES_GROUP, newest, count, origin_s or 0.0, parameters)
        if planning is not None:
            _append(file, PLANNING_GROUP, planning, 0, origin_s or 0.0)
            _write_header(file, PLANNING_GROUP, planning, 1, origin_s or 0.0, parameters)
    return count


class IsmrmrdAppender:
    """A series written frame by frame while it comes in; every frame is on its way to the disk when it is appended.

    Parameters
    ----------
    path
        Must not exist yet.
    first
        First frame to come; sets shape and geometry, and times count from its start.
    planning
        As in :func:`write_ismrmrd`; written at once.

    Raises
    ------
    OSError
        If the file cannot be written (disk full); so do all methods.
    InputError
        If the planning frame does not fit.
    """

    def __init__(self, path: Path, first: KSpaceFrame, planning: KSpaceFrame | None = None) -> None:
        self.path = path
        self._first = first
        self._origin_s = min(frame.acquisition_start_time for frame in (first, planning) if frame is not None)
        self._counts: dict[str, int] = {}
        if planning is not None:
            _require_alike(path, first, planning)
        self._disk = GuardedFile(path)
        self._file = h5py.File(self._disk, "w")
        if planning is not None:
            self.append(planning, PLANNING_GROUP)

    def fits(self, frame: KSpaceFrame) -> bool:
        """False where a frame needs a file of its own: other shape or geometry, earlier time, counters at their end."""
        try:
            _require_alike(self.path, self._first, frame)
        except InputError:
            return False
        return frame.acquisition_start_time >= self._origin_s and max(self._counts.values(), default=0) < MAX_FRAMES

    def append(self, frame: KSpaceFrame, group: str = SERIES_GROUP) -> int:
        """Write a frame; returns its repetition number in the group."""
        repetition = self._counts.get(group, 0)
        if repetition == 0:
            _write_header(self._file, group, self._first, 1, self._origin_s, SequenceParameters())
        _append(self._file, group, frame, repetition, self._origin_s)
        self._file.flush()
        self._disk.require_intact()
        self._counts[group] = repetition + 1
        return repetition

    def close(self) -> None:
        """State the number of frames in the headers and close."""
        for group, count in self._counts.items():
            _write_header(self._file, group, self._first, count, self._origin_s, SequenceParameters())
        self._file.close()
        self._disk.close()
        self._disk.require_intact()


def _require_alike(path: Path, first: KSpaceFrame, frame: KSpaceFrame) -> None:
    if frame.data.shape != first.data.shape:
        raise InputError(
            f"{path}: frame {frame.index} has shape {frame.data.shape} (coil, slice, ky, kx), "
            f"the frames before {first.data.shape}; start a new file"
        )
    if frame.has_geometry != first.has_geometry or not same_geometry(frame.ijk_to_ras, first.ijk_to_ras):
        raise InputError(f"{path}: the slices moved at frame {frame.index}; start a new file for a new geometry")


def _append(file: h5py.File, group: str, frame: KSpaceFrame, repetition: int, origin_s: float) -> None:
    records = _records(frame, repetition, origin_s)
    container = file.require_group(group)
    if "data" not in container:
        container.create_dataset("data", (0,), maxshape=(None,), dtype=acquisition_dtype, chunks=(256,))
    data = container["data"]
    first = data.shape[0]
    records["head"]["scan_counter"] = first + 1 + np.arange(records.size)
    data.resize(first + records.size, axis=0)
    data[first:] = records


def _records(frame: KSpaceFrame, repetition: int, origin_s: float) -> NDArray[np.void]:
    """Acquisitions of all sampled lines, slice by slice."""
    n_coils, _, _, n_samples = frame.data.shape
    slices, lines = np.nonzero(frame.mask)
    records = np.zeros(slices.size, dtype=acquisition_dtype)
    head = records["head"]
    head["version"] = 1
    head["number_of_samples"] = n_samples
    head["center_sample"] = n_samples // 2
    head["available_channels"] = head["active_channels"] = n_coils
    head["channel_mask"] = _channel_mask(n_coils)
    head["idx"]["kspace_encode_step_1"] = lines
    head["idx"]["slice"] = slices
    head["idx"]["repetition"] = repetition
    head["flags"] = _flags(slices)
    _set_times(head, frame, origin_s)
    if frame.has_geometry:
        _set_geometry(head, frame, slices)
    for record, slice_index, line in zip(records, slices, lines, strict=True):
        record["data"] = np.ascontiguousarray(frame.data[:, slice_index, line]).view(np.float32).ravel()
        record["traj"] = np.zeros(0, dtype=np.float32)
    return records


def _set_times(head: NDArray[np.void], frame: KSpaceFrame, origin_s: float) -> None:
    duration = (frame.acquisition_end_time - frame.acquisition_start_time) / head.size
    starts = frame.acquisition_start_time - origin_s + duration * np.arange(head.size)
    if starts[0] < 0:
        raise InputError(f"frame {frame.index} starts before the frames already written; frames must come in order")
    microseconds = np.round(starts * 1e6).astype(np.int64)
    head["acquisition_time_stamp"] = np.round(starts / SECONDS_PER_TICK)
    head["user_int"][:, 0] = microseconds // 1_000_000
    head["user_int"][:, 1] = microseconds % 1_000_000
    head["user_int"][:, 2] = round(duration * 1e6)


def _set_geometry(head: NDArray[np.void], frame: KSpaceFrame, slices: NDArray[np.intp]) -> None:
    n_slices, rows, columns = frame.image_shape
    lps = LPS_TO_RAS[:3, :3] @ directions_of(frame.ijk_to_ras)
    index = np.stack([np.full(n_slices, columns // 2), np.full(n_slices, rows // 2), np.arange(n_slices)], axis=1)
    centers = transform_points(frame.ijk_to_ras, index) @ LPS_TO_RAS[:3, :3]
    head["position"] = centers[slices]
    head["read_dir"], head["phase_dir"], head["slice_dir"] = lps[:, 0], lps[:, 1], lps[:, 2]


def _channel_mask(n_coils: int) -> NDArray[np.uint64]:
    mask = np.zeros(16, dtype=np.uint64)
    for coil in range(n_coils):
        mask[coil // 64] |= np.uint64(1 << (coil % 64))
    return mask


def _flags(slices: NDArray[np.intp]) -> NDArray[np.uint64]:
    """First and last line in slice and in repetition."""
    flags = np.zeros(slices.size, dtype=np.uint64)
    starts = np.flatnonzero(np.diff(slices, prepend=-1))
    ends = np.append(starts[1:] - 1, slices.size - 1)
    for where, name in (
        (starts, ismrmrd.ACQ_FIRST_IN_SLICE),
        (ends, ismrmrd.ACQ_LAST_IN_SLICE),
        ([0], ismrmrd.ACQ_FIRST_IN_REPETITION),
        ([-1], ismrmrd.ACQ_LAST_IN_REPETITION),
    ):
        flags[where] |= np.uint64(1 << (name - 1))
    return flags


def _write_header(
    file: h5py.File, group: str, frame: KSpaceFrame, n_frames: int, origin_s: float, sequence: SequenceParameters
) -> None:
    xml = header_xml(frame, n_frames, origin_s, sequence)
    container = file.require_group(group)
    if "xml" not in container:
        container.create_dataset("xml", (1,), dtype=h5py.special_dtype(vlen=bytes))
    container["xml"][0] = xml.encode("utf-8")


def header_xml(frame: KSpaceFrame, n_frames: int, origin_s: float, sequence: SequenceParameters) -> str:
    """ISMRMRD header of a series like ``frame``."""
    n_slices, rows, columns = frame.image_shape
    spacing = spacing_of(frame.ijk_to_ras)
    space = xsd.encodingSpaceType(
        matrixSize=xsd.matrixSizeType(x=columns, y=rows, z=1),
        fieldOfView_mm=xsd.fieldOfViewMm(
            x=float(columns * spacing[0]), y=float(rows * spacing[1]), z=float(spacing[2])
        ),
    )
    limits = xsd.encodingLimitsType(
        kspace_encoding_step_0=xsd.limitType(minimum=0, maximum=columns - 1, center=columns // 2),
        kspace_encoding_step_1=xsd.limitType(minimum=0, maximum=rows - 1, center=rows // 2),
        slice=xsd.limitType(minimum=0, maximum=n_slices - 1, center=n_slices // 2),
        repetition=xsd.limitType(minimum=0, maximum=n_frames - 1, center=0),
    )
    parallel = xsd.parallelImagingType(
        accelerationFactor=xsd.accelerationFactorType(
            kspace_encoding_step_1=max(1, round(frame.acceleration)), kspace_encoding_step_2=1
        ),
        calibrationMode=xsd.calibrationModeType.EMBEDDED,
    )
    header = xsd.ismrmrdHeader(
        version=2,
        measurementInformation=xsd.measurementInformationType(
            measurementID=frame.stream_id or "series", patientPosition=xsd.patientPositionType.HFS
        ),
        acquisitionSystemInformation=xsd.acquisitionSystemInformationType(
            systemFieldStrength_T=sequence.field_strength_t, receiverChannels=frame.n_coils
        ),
        experimentalConditions=xsd.experimentalConditionsType(
            H1resonanceFrequency_Hz=round(sequence.field_strength_t * _HYDROGEN_HZ_PER_T)
        ),
        encoding=[
            xsd.encodingType(
                encodedSpace=space,
                reconSpace=space,
                encodingLimits=limits,
                trajectory=xsd.trajectoryType.CARTESIAN,
                parallelImaging=parallel,
            )
        ],
        userParameters=xsd.userParametersType(
            userParameterDouble=[xsd.userParameterDoubleType(name=TIME_ORIGIN_PARAMETER, value=origin_s)]
        ),
    )
    if sequence.repetition_time_ms > 0:
        header.sequenceParameters = xsd.sequenceParametersType(
            TR=[sequence.repetition_time_ms], TE=[sequence.echo_time_ms], flipAngle_deg=[sequence.flip_angle_deg]
        )
    return str(xsd.ToXML(header))
