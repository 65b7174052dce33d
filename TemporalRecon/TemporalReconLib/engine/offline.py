"""A file played through the live pipeline, frame by frame.

What needs torch is imported when it is used: importing it takes longer than refusing a wrong file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.acquisition.frame_series import arrange_frames
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.masks import lines_per_frame
from TemporalReconLib.acquisition.series import Series, open_series, read_volume, require_same_geometry
from TemporalReconLib.engine.recording_log import RecordedSeries, find_log
from TemporalReconLib.errors import InputError

if TYPE_CHECKING:
    from TemporalReconLib.reconstruction.reconstructor import Reconstructor


@dataclass(frozen=True)
class SeriesOptions:
    """How a file becomes a series of frames: the command line's ``--acceleration --mask --frames ...``."""

    acceleration: float | None = None
    mask: str = "paper"
    mask_seed: int = 0
    frames: str = "time"
    prior: Path | None = None


@dataclass(frozen=True)
class OpenedSeries:
    """A series ready to play and its planning scan, if there is one."""

    series: Series
    planning: KSpaceFrame | ImageFrame | None
    follow_geometry: bool

    def __len__(self) -> int:
        return len(self.series)

    @property
    def acceleration(self) -> float:
        """Full lines / acquired lines of the first frame; 1 for images."""
        return self.series.frame(0).acceleration

    def frames(self) -> Iterator[KSpaceFrame | ImageFrame]:
        """Frames in order of acquisition, read as they are needed."""
        return iter(self.series)


def open_for_playing(path: Path, options: SeriesOptions) -> OpenedSeries:
    """Open an INPUT, undersample it where asked, and attach the planning scan.

    The log of a recording, or the folder that holds it, plays the frames that were used.

    Raises
    ------
    InputError
        If the file, the options or the planning image do not fit together.
    """
    log = find_log(path)
    series = (
        open_series(path, options.frames) if log is None else arrange_frames(RecordedSeries(log), options.frames, path)
    )
    return prepare_for_playing(series, options)


def prepare_for_playing(series: Series, options: SeriesOptions) -> OpenedSeries:
    """Undersample a series where asked and attach the planning scan; its frames are arranged already.

    Raises
    ------
    InputError
        If the series, the options or the planning image do not fit together.
    """
    planning = series.planning
    if options.acceleration is not None:
        lines_per_frame(series.image_shape[1], options.acceleration)
        from TemporalReconLib.acquisition.undersampling import undersample

        series = undersample(series, options.acceleration, options.mask, options.mask_seed)
    if options.prior is not None:
        planning = read_volume(options.prior)
        require_same_geometry(planning, series.frame(0), f"--prior {options.prior}")
    return OpenedSeries(series, planning, follow_geometry=options.frames != "slices")


def reconstruct_series(
    opened: OpenedSeries, reconstructor: Reconstructor, ingested: Callable[[KSpaceFrame], None] | None = None
) -> Iterator[ImageFrame]:
    """Images of a series as the live engine would make them, every frame's although some methods deliver late.

    A fully sampled image series needs no reconstruction and is refused, because a quiet copy would look like
    a result.

    Parameters
    ----------
    ingested
        Is told of each frame's samples before its image comes.
    """
    from TemporalReconLib.engine.pipeline import ReconstructionPipeline

    pipeline = ReconstructionPipeline(reconstructor, opened.follow_geometry)
    if opened.planning is not None:
        pipeline.set_planning(opened.planning)
    for frame in opened.frames():
        if isinstance(frame, ImageFrame):
            raise InputError(f"{opened.series.name}: these are images, nothing is undersampled; give --acceleration R")
        if pipeline.starts_new_series(frame):
            yield from pipeline.finish()
        if not pipeline.ingest(frame):
            continue
        if ingested is not None:
            ingested(frame)
        image = pipeline.reconstruct()
        if image is not None:
            yield image
    yield from pipeline.finish()
