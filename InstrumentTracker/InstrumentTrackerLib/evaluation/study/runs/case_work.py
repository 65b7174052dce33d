"""All runs of a case: open once, take the fully sampled pictures as reference, undersample, track, measure."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.undersampling import undersample
from TemporalReconLib.benchmark.metrics import least_squares_gain
from TemporalReconLib.engine.offline import OpenedSeries, SeriesOptions, open_for_playing, reconstruct_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import slice_normal, spacing_of
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.evaluation.measurement import reported_row
from InstrumentTrackerLib.evaluation.reported_pose import ReportedPose
from InstrumentTrackerLib.evaluation.study.cases.annotation import CaseAnnotation, annotation_of, points_by_frame
from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion, StudyCase, is_markups
from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig
from InstrumentTrackerLib.evaluation.study.provenance import results_version
from InstrumentTrackerLib.evaluation.study.runs.failure_picture import failure_picture
from InstrumentTrackerLib.evaluation.study.runs.frame_scores import mask_scores, picture_scores
from InstrumentTrackerLib.evaluation.study.runs.quality_scores import quality_scores
from InstrumentTrackerLib.evaluation.study.runs.run_key import RunKey
from InstrumentTrackerLib.evaluation.study.runs.tools import Tools, ToolSpec, tools
from InstrumentTrackerLib.guidance.played import guidance_of
from InstrumentTrackerLib.pipeline import Guidance
from InstrumentTrackerLib.segmentation.image_plane import ImagePlane

Row = dict[str, Any]

# Of this process, on whatever computer.
_PROCESS: str = uuid.uuid4().hex
# Versions that this process was found to have.
_agreed: set[str] = set()


@dataclass(frozen=True)
class CaseTask:
    """A case and what is missing of it."""

    case: StudyCase
    runs: tuple[RunKey, ...]
    fingerprint: str


@dataclass(frozen=True)
class CaseOutcome:
    """Result of a case.

    Attributes
    ----------
    rows
        One per run that was done, JSON values.
    pictures
        By run: an archive of the worst frame where one failed.
    excluded
        The whole case or single runs, with the reason.
    """

    case: StudyCase
    rows: list[Row]
    pictures: dict[RunKey, bytes] = field(default_factory=dict)
    excluded: list[Exclusion] = field(default_factory=list)
    n_runs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class CaseWork:
    """What a process does with a case; it can be sent to another process.

    Attributes
    ----------
    version
        Of code and weights.
    home
        The process that asked; another one first makes sure that it has the same code and weights.
    """

    config: StudyConfig
    device: str
    version: str
    home: str = _PROCESS

    def __call__(self, task: CaseTask) -> CaseOutcome:
        begin = time.perf_counter()
        case, runs = task.case, len(task.runs)
        try:
            outcome = self._outcome(task)
        except Exception as error:  # one bad file among a thousand: the study goes on and lists it
            excluded = [Exclusion(case.patient, case.name, _reason(error))]
            return CaseOutcome(case, [], excluded=excluded, n_runs=runs, seconds=time.perf_counter() - begin)
        return CaseOutcome(case, *outcome, n_runs=runs, seconds=time.perf_counter() - begin)

    def _outcome(self, task: CaseTask) -> tuple[list[Row], dict[RunKey, bytes], list[Exclusion]]:
        if self.home != _PROCESS:
            _require_version(self.config, self.version)
        opened_case = OpenedCase(task.case, self.config, tools(ToolSpec.of(self.config, self.device)))
        identity = {
            "patient": task.case.patient,
            "case": task.case.name,
            "group": task.case.group,
            "origin": task.case.origin,
            "data": "k-space" if opened_case.is_kspace else "pictures",
            "fingerprint": task.fingerprint,
            "version": self.version,
        }
        rows, pictures, excluded = [], {}, []
        for run in task.runs:
            try:
                frames, picture = opened_case.measured(run)
            except InputError as error:
                what = f"{run.method} at R = {run.acceleration:g}, {run.mask} mask, seed {run.seed}: {error}"
                excluded.append(Exclusion(task.case.patient, task.case.name, what))
                continue
            row = identity | {
                "method": run.method,
                "acceleration": run.acceleration,
                "mask": run.mask,
                "seed": run.seed,
                "frames": frames,
            }
            if run.is_reference:
                row["readings"] = opened_case.readings()
            if picture is not None:
                pictures[run] = picture
            rows.append(row)
        return rows, pictures, excluded


class OpenedCase:
    """A case with its annotations and reference pictures.

    Raises
    ------
    InputError
        If it cannot be used.
    """

    def __init__(self, case: StudyCase, config: StudyConfig, built: Tools) -> None:
        self._case, self._config, self._tools = case, config, built
        frames = case.frames or config.frames
        self._opened = open_for_playing(case.path, SeriesOptions(frames=frames, prior=case.planning))
        first = self._opened.series.frame(0)
        if isinstance(first, KSpaceFrame) and not first.is_fully_sampled:
            raise InputError(
                f"already undersampled (R = {first.acceleration:.1f}); a study undersamples fully sampled series itself"
            )
        self._annotation: CaseAnnotation = annotation_of(case, self._opened.series, frames)

    @cached_property
    def _reference(self) -> list[Guidance]:
        return self._guidance(RunKey(REFERENCE, 1.0, "", 0))

    @property
    def truths(self) -> tuple[FrameTruth | None, ...]:
        """What is known of each frame, None where nothing is."""
        return self._annotation.truths

    @property
    def is_kspace(self) -> bool:
        """Whether the case came as samples, not as pictures."""
        return self._opened.series.is_kspace

    def measured(self, run: RunKey) -> tuple[list[Row], bytes | None]:
        """Rows of the frames, and what the worst frame looks like if it failed.

        Raises
        ------
        InputError
            If the method cannot be used on this case.
        """
        guidance = self._reference if run.is_reference else self._guidance(run)
        pictures, references = ([each.image.data for each in some] for some in (guidance, self._reference))
        gain = 1.0 if run.is_reference else least_squares_gain(pictures, references)
        rows = [self._frame_row(index, each, gain) for index, each in enumerate(guidance)]
        if not run.is_reference:
            scores = picture_scores(pictures, references)
            rows = [row | score for row, score in zip(rows, scores, strict=True)]
        return rows, self._worst(rows, guidance)

    def pictures(self, run: RunKey, indices: Sequence[int]) -> dict[int, ImageFrame]:
        """Pictures of some frames, by their place in the series; nothing is tracked in them.

        Raises
        ------
        InputError
            If the method cannot be used on this case.
        """
        opened = self._opened if run.is_reference else self._undersampled(run)
        wanted = {self._opened.series.frame(index).index: index for index in indices}
        found: dict[int, ImageFrame] = {}
        images = (
            reconstruct_series(opened, self._tools.reconstructor(run.method))
            if opened.series.is_kspace
            else (frame for frame in opened.frames() if isinstance(frame, ImageFrame))
        )
        for image in images:
            if image.index in wanted:
                found[wanted[image.index]] = image
            if len(found) == len(wanted):
                break
        if len(found) < len(wanted):
            raise InputError(f"gave no image of {len(wanted) - len(found)} of {len(wanted)} frames")
        return found

    def readings(self) -> list[Row]:
        """What each reader marked, tips in mm RAS: the annotation itself first."""
        files = [("annotations", self._case.annotations), *self._case.readers]
        found = []
        for name, paths in files:
            points = points_by_frame([path for path in paths if is_markups(path)], len(self._reference))
            # Points that hold for all frames were read once.
            is_one = all(each is points[0] for each in points)
            for index, each in enumerate(points[:1] if is_one else points):
                if each is not None:
                    tips = {"guide": _listed(each.guide), "needle": _listed(each.needle)}
                    found.append({"reader": name, "frame": index} | tips)
        return found

    def _guidance(self, run: RunKey) -> list[Guidance]:
        opened = self._opened if run.is_reference else self._undersampled(run)
        reconstructor = self._tools.reconstructor(run.method)
        found = {each.image.index: each for each in guidance_of(opened, self._tools.pipeline(), reconstructor)}
        indices = [frame.index for frame in self._opened.series]
        missing = [index for index in indices if index not in found]
        if missing:
            raise InputError(f"gave no image of {len(missing)} of {len(indices)} frames")
        return [found[index] for index in indices]

    def _undersampled(self, run: RunKey) -> OpenedSeries:
        series = undersample(self._opened.series, run.acceleration, run.mask, run.mask_seed(self._case))
        return OpenedSeries(series, self._opened.planning, self._opened.follow_geometry)

    def _frame_row(self, index: int, guidance: Guidance, gain: float) -> Row:
        truth, reference = self._annotation.truths[index], self._reference[index].image
        tracked = guidance.tracked
        row: Row = {"frame": index}
        report = ReportedPose.of_tracked(tracked, guidance.mask, 0.0)
        row |= reported_row(report, truth or _UNKNOWN, slice_normal(reference.ijk_to_ras))
        # Time depends on the machine; results do not.
        del row["ms"]
        row["visible"] = None if truth is None else truth.visible
        for name in ("guide", "needle"):
            row[f"{name}_true"] = truth is not None and truth.visible and getattr(truth, f"{name}_tip") is not None
            row[f"{name}_found"] = getattr(tracked, f"{name}_tip") is not None
        true_mask = self._annotation.mask(index, ImagePlane.of(reference))
        if true_mask is not None:
            row |= mask_scores(guidance.labels > 0, true_mask, spacing_of(reference.ijk_to_ras)[::-1].tolist())
        picture = replace(guidance.image, data=np.asarray(gain * guidance.image.data, dtype=np.float32))
        return row | quality_scores(picture, reference, true_mask, truth, self._config.point)

    def _worst(self, rows: Sequence[Row], guidance: Sequence[Guidance]) -> bytes | None:
        point = self._config.point
        errors = [_error(row, point) for row in rows]
        index = int(np.argmax(errors))
        truth = self._annotation.truths[index]
        if errors[index] <= self._config.margins.success_mm or truth is None:
            return None
        shown = guidance[index]
        return failure_picture(self._reference[index].image, shown.image, truth, shown.tracked, point)


def _require_version(config: StudyConfig, version: str) -> None:
    """Rows of a worker with other code or weights would not be the same rows; raises InputError."""
    if version in _agreed:
        return
    found = results_version(config)
    if found != version:
        raise InputError(f"the worker has other code or weights ({found}, expected {version}); install the same there")
    _agreed.add(version)


def _error(row: Row, point: str) -> float:
    """Infinite where the point is there and not found, negative where it is not there."""
    return float(row.get(f"{point}_error_mm", np.inf)) if row[f"{point}_true"] else -1.0


def _listed(point: np.ndarray | None) -> list[float] | None:
    return None if point is None else [round(float(value), 4) for value in point]


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


_UNKNOWN = FrameTruth(0, 0.0, False, None, None, None, None)
