"""The log of a recording, and the frames that its lines tell of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.frame_series import Frame, Series, name_from_file, shape_of
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.errors import InputError

LOG_SUFFIX = ".jsonl"
_KEYS = {"accepted", "fate", "starts_series", "file", "repetition", "index", "stream"}
_NAMED = 3


def find_log(path: Path) -> Path | None:
    """The log that an INPUT means: the file itself, or the only one of a folder; None where it is no recording.

    Raises
    ------
    InputError
        If the file is missing, or the folder holds several recordings.
    """
    if path.suffix.lower() == LOG_SUFFIX:
        if not path.is_file():
            raise InputError(f"{path}: no such file; give the log of a recording")
        return path
    logs = sorted(path.glob(f"*{LOG_SUFFIX}")) if path.is_dir() else []
    if len(logs) > 1:
        names = ", ".join(log.name for log in logs[-_NAMED:])
        raise InputError(f"{path}: {len(logs)} recordings; give the log of one, such as the last ones: {names}")
    return logs[0] if logs else None


def log_lines(log: Path) -> Iterator[dict[str, Any]]:
    """One dict per frame, see :class:`~TemporalReconLib.engine.recorder.Recorder`.

    Raises
    ------
    InputError
        If it is no log of a recording. A last line that was cut off by a crash is passed over.
    """
    try:
        content = log.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{log}: cannot be read as the log of a recording ({error})") from None
    for number, text in enumerate(content, start=1):
        try:
            line = json.loads(text)
            if "event" in line:  # the recording was switched
                continue
            if not line.keys() >= _KEYS:
                raise ValueError
        except (ValueError, AttributeError, TypeError, RecursionError):
            if number == len(content):
                return
            raise InputError(f"{log}: line {number} is not of a recording's log") from None
        yield line


class RecordedFrames:
    """Frames of a log's lines, as they were received; one file is open at a time."""

    def __init__(self, log: Path) -> None:
        self._folder = log.parent
        self._path: Path | None = None
        self._series: Series | None = None

    def series_of(self, line: dict[str, Any]) -> Series:
        """The file that holds the frame; raises InputError if it cannot be read."""
        path = self._folder / Path(line["file"]).name
        if self._series is None or path != self._path:
            self._path, self._series = path, open_series(path)
        return self._series

    def has(self, line: dict[str, Any]) -> bool:
        """False where the engine was killed between the file and its log."""
        return bool(line["repetition"] < len(self.series_of(line)))

    def planning_of(self, line: dict[str, Any]) -> Frame | None:
        """The planning scan in use when the frame was taken."""
        if "planning" in line:
            return open_series(self._folder / Path(line["planning"]).name).frame(0)
        return self.series_of(line).planning

    def frame(self, line: dict[str, Any]) -> Frame:
        """Index, stream and times as they came; the file counts from zero."""
        return replace(
            self.series_of(line).frame(line["repetition"]),
            index=line["index"],
            stream_id=line["stream"],
            acquisition_start_time=line["acquisition_start_time"],
            acquisition_end_time=line["acquisition_end_time"],
        )


class RecordedSeries(Series):
    """All frames of a recording that were used, over all its files, as one series to be played again.

    Raises
    ------
    InputError
        If the log or its first file cannot be read, or no frame was used.
    """

    def __init__(self, log: Path) -> None:
        self._frames = RecordedFrames(log)
        self._lines = [line for line in log_lines(log) if line["accepted"]]
        while self._lines and not self._frames.has(self._lines[-1]):
            self._lines.pop()
        if not self._lines:
            raise InputError(f"{log}: the recording holds no frame that was used")
        first = self._frames.frame(self._lines[0])
        self.name = name_from_file(log)
        self.is_kspace = isinstance(first, KSpaceFrame)
        self.image_shape = shape_of(first)
        self.planning = self._frames.planning_of(self._lines[0])
        times = [line["acquisition_start_time"] for line in self._lines]
        steps = sorted(later - earlier for earlier, later in pairwise(times) if later > earlier)
        self.frame_interval_s = steps[(len(steps) - 1) // 2] if steps else None

    def __len__(self) -> int:
        return len(self._lines)

    def frame(self, index: int) -> Frame:
        return self._frames.frame(self._lines[self._checked_index(index)])
