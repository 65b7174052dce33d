"""A series of frames in order of acquisition, read only as far as it is asked for."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import slice_geometry

Frame = KSpaceFrame | ImageFrame

# Where a source has no clock its frames are placed this far apart, the rate wished at the bedside; such a series
# has frame_interval_s None, so that nobody takes the times for measured ones.
NOMINAL_FRAME_INTERVAL_S = 0.1


class Series(ABC):
    """Frames of one acquisition.

    Attributes
    ----------
    name
        Printable ASCII name, also the ``stream_id`` of the frames. Never taken from patient data.
    is_kspace
        True if the frames are :class:`KSpaceFrame`, False if :class:`ImageFrame`.
    image_shape
        (slice, row, col) of every frame.
    frame_interval_s
        Seconds between frames; None where the file does not say (times are then nominal).
    planning
        Fully sampled planning scan that is not a frame of the series, if the file holds one.
    """

    name: str
    is_kspace: bool
    image_shape: tuple[int, int, int]
    frame_interval_s: float | None = None
    planning: Frame | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """Frame ``index`` (0 ... len - 1).

        Raises
        ------
        IndexError
            If there is no such frame.
        InputError
            If the frame's data are unusable.
        """

    def __iter__(self) -> Iterator[Frame]:
        return (self.frame(index) for index in range(len(self)))

    def _checked_index(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name}: no frame {index}, the series has {len(self)}")
        return index


class FrameList(Series):
    """A series that is already in memory."""

    def __init__(self, name: str, frames: Sequence[Frame], frame_interval_s: float | None = None) -> None:
        self.name = name
        self._frames = list(frames)
        first = self._frames[0]
        self.is_kspace = isinstance(first, KSpaceFrame)
        self.image_shape = shape_of(first)
        self.frame_interval_s = frame_interval_s

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> Frame:
        return self._frames[self._checked_index(index)]


class SlicesAsTime(Series):
    """The slices of one volume played as time (the paper's protocol), each with its own slice's geometry.

    A planning scan of the whole stack is no planning scan of a single moving slice, so there is none.
    """

    def __init__(self, volume: Frame, name: str) -> None:
        self.name = name
        self._volume = volume
        self.is_kspace = isinstance(volume, KSpaceFrame)
        self.image_shape = (1, *shape_of(volume)[1:])

    def __len__(self) -> int:
        return shape_of(self._volume)[0]

    def frame(self, index: int) -> Frame:
        k = self._checked_index(index)
        volume, time = self._volume, k * NOMINAL_FRAME_INTERVAL_S
        geometry = slice_geometry(volume.ijk_to_ras, k)
        if isinstance(volume, KSpaceFrame):
            return replace(
                volume,
                data=volume.data[:, k : k + 1],
                mask=volume.mask[k : k + 1],
                ijk_to_ras=geometry,
                index=k,
                acquisition_start_time=time,
                acquisition_end_time=time,
            )
        return replace(
            volume,
            data=volume.data[k : k + 1],
            complex_data=None if volume.complex_data is None else volume.complex_data[k : k + 1],
            ijk_to_ras=geometry,
            index=k,
            acquisition_start_time=time,
            acquisition_end_time=time,
        )


class Repeated(Series):
    """One volume played ``count`` times; undersampled afterwards, every repetition draws a fresh mask."""

    def __init__(self, volume: Frame, count: int, name: str, planning: Frame | None = None) -> None:
        self.name = name
        self._volume = volume
        self._count = count
        self.is_kspace = isinstance(volume, KSpaceFrame)
        self.image_shape = shape_of(volume)
        self.planning = planning

    def __len__(self) -> int:
        return self._count

    def frame(self, index: int) -> Frame:
        time = self._checked_index(index) * NOMINAL_FRAME_INTERVAL_S
        return replace(self._volume, index=index, acquisition_start_time=time, acquisition_end_time=time)


def arrange_frames(series: Series, frames: str, path: Path) -> Series:
    """Play a series as ``time``, ``slices`` or ``repeat:N``.

    Raises
    ------
    InputError
        If ``frames`` is none of these, or a series of several time points is to be played otherwise.
    """
    if frames == "time":
        return series
    repeat = re.fullmatch(r"repeat:(\d{1,6})", frames)
    if frames != "slices" and (repeat is None or int(repeat[1]) == 0):
        raise InputError(f"--frames {frames}: expected time, slices or repeat:N with N from 1 to 999999")
    if len(series) != 1:
        raise InputError(
            f"{path}: --frames {frames} plays one volume, but the file has {len(series)} time points; use --frames time"
        )
    volume = series.frame(0)
    if repeat is not None:
        return Repeated(volume, int(repeat[1]), series.name, series.planning)
    return SlicesAsTime(volume, series.name)


def shape_of(frame: Frame) -> tuple[int, int, int]:
    """(slice, row, col) of a frame of either kind."""
    if isinstance(frame, KSpaceFrame):
        return frame.image_shape
    slices, rows, columns = frame.data.shape
    return (slices, rows, columns)


def name_from_file(path: Path) -> str:
    """Printable ASCII series name from a file name, without its suffixes."""
    stem = re.sub(r"(\.seq)?\.(nrrd|nhdr|h5|mha|mhd|nii|nii\.gz)$", "", path.name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]", "_", stem)[:64] or "series"
