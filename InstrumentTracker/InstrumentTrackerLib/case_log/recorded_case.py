"""A case as it lies on disk: its cores, its track and its pictures, for review."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import HDF5_SUFFIXES, ITK_SUFFIXES, NRRD_SUFFIXES, open_series
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.case_log.case_log import CaseLog
from InstrumentTrackerLib.case_log.core_record import CoreRecord
from InstrumentTrackerLib.case_log.track_reader import read_track
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

TRACK_FILE = "track.csv"
# Pictures are kept in memory, as Slicer keeps sequences; a case of this size is 4000 pictures of 256 x 256 pixels.
MAX_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class ReviewFrame:
    """One moment of a case; what was not recorded is None."""

    index: int
    time_s: float
    image: ImageFrame | None
    tracked: TrackedPose | None


@dataclass(frozen=True, eq=False)
class RecordedCase:
    """What is known of a case.

    Attributes
    ----------
    name, folder
        Label, and where the case lies.
    log
        Its cores, None for a mere track.
    frames
        In the order of acquisition; empty if neither pictures nor track were kept.
    scene_file
        Slicer scene in its folder, or None.
    remark
        What is missing and why, for the user; empty where nothing is.
    """

    name: str
    folder: Path
    log: CaseLog | None = None
    frames: tuple[ReviewFrame, ...] = ()
    scene_file: Path | None = None
    remark: str = ""

    @property
    def records(self) -> tuple[CoreRecord, ...]:
        return () if self.log is None else self.log.records

    def frame_of(self, record: CoreRecord) -> int | None:
        """Number in ``frames`` of the moment of a core, the nearest that was recorded; None without any."""
        if not self.frames or record.frame is None:
            return None
        wanted = record.frame
        return min(range(len(self.frames)), key=lambda at: abs(self.frames[at].index - wanted))

    def core_at(self, position: int) -> CoreRecord | None:
        """The core that was being taken at a moment: the next one that is marked, else the last."""
        measured = [record for record in self.records if record.frame is not None]
        if not measured or not self.frames:
            return None
        index = self.frames[position].index
        ahead = [record for record in measured if record.frame is not None and record.frame >= index]
        return ahead[0] if ahead else measured[-1]


def load_case(path: Path, series: Path | None = None) -> RecordedCase:
    """Read a case folder, or a ``track.csv``; slow, call it on a thread.

    Parameters
    ----------
    path
        Folder with ``cores.jsonl``, and perhaps ``track.csv``, one recorded series and a scene; or a track alone.
    series
        Pictures that lie elsewhere.

    Raises
    ------
    InputError
        That names file and field.
    """
    is_track = path.suffix.lower() == ".csv"
    folder = path.parent if is_track else path
    log = None if is_track else CaseLog.open(path)
    track_path = path if is_track else folder / TRACK_FILE
    poses = [pose for pose, _ in read_track(track_path)] if is_track or track_path.is_file() else []
    source = series if series is not None or is_track else _series_in(folder)
    images, remark = ([], "") if source is None else _read_images(source)
    return RecordedCase(
        name=path.stem if log is None else log.name,
        folder=folder,
        log=log,
        frames=_merged(images, poses or _poses_of(log)),
        scene_file=next(iter(sorted(folder.glob("*.mrb"))), None),
        remark=remark,
    )


def with_images(case: RecordedCase, images: list[ImageFrame]) -> RecordedCase:
    """The case with pictures from elsewhere, such as a scene's sequence."""
    poses = [frame.tracked for frame in case.frames if frame.tracked is not None]
    return replace(case, frames=_merged(images, poses), remark="")


def _series_in(folder: Path) -> Path | None:
    suffixes = (*NRRD_SUFFIXES, *ITK_SUFFIXES, *HDF5_SUFFIXES)
    return next((path for path in sorted(folder.iterdir()) if path.name.lower().endswith(suffixes)), None)


def _read_images(path: Path) -> tuple[list[ImageFrame], str]:
    opened = open_series(path)
    images: list[ImageFrame] = []
    n_bytes = 0
    for frame in opened:
        if not isinstance(frame, ImageFrame):
            raise InputError(f"{path}: k-space; reconstruct it first: temporal-recon reconstruct, or Temporal Recon")
        n_bytes += frame.data.nbytes
        if n_bytes > MAX_BYTES:
            return images, f"{path.name}: only the first {len(images)} of {len(opened)} pictures fit into memory"
        images.append(frame)
    return images, ""


def _poses_of(log: CaseLog | None) -> list[TrackedPose]:
    """Where no track was kept, the poses of the cores themselves."""
    poses = []
    for record in () if log is None else log.records:
        if record.frame is not None and record.has_measurement:
            poses.append(
                TrackedPose(
                    TrackingState(record.state), record.guide_tip, record.needle_tip, record.axis,  # type: ignore[arg-type]
                    record.confidence or 0.0, index=record.frame, time_s=record.time_s or record.marked_at_s,
                    has_fired=record.has_fired,
                )
            )  # fmt: skip
    return poses


def _merged(images: list[ImageFrame], poses: list[TrackedPose]) -> tuple[ReviewFrame, ...]:
    """Pictures and poses of the same frame number together, by frame number."""
    image_of = {image.index: image for image in images}
    pose_of = {pose.index: pose for pose in poses}
    frames = []
    for index in sorted(image_of.keys() | pose_of.keys()):
        image, pose = image_of.get(index), pose_of.get(index)
        time_s = pose.time_s if pose is not None else image.mid_acquisition_time if image is not None else 0.0
        frames.append(ReviewFrame(index, time_s, image, pose))
    return tuple(frames)
