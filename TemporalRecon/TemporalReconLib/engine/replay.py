"""A recording played through the pipeline again, with the decisions of the live run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.frame_series import Frame, Series
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.engine.pipeline import ReconstructionPipeline
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.reconstructor import Reconstructor


def replay(log: Path, reconstructor: Reconstructor) -> Iterator[ImageFrame]:
    """The pictures of the live run, over all files of the recording, bit for bit on the same device.

    Frames that were left out are left out again, and a picture is made exactly where one was made: methods that build
    on their last picture would else go another way. The recording says nothing of changes of the method; one method
    replays all.

    Parameters
    ----------
    log
        The ``.jsonl`` file of a recording; a last line that was cut off by a crash is passed over.

    Raises
    ------
    InputError
        If the log or a file that it names cannot be read.
    """
    pipeline = ReconstructionPipeline(reconstructor)
    series: Series | None = None
    path: Path | None = None
    is_first = True
    for line in _lines(log):
        if not line["accepted"]:
            continue
        if path is None or path.name != line["file"]:
            path = log.parent / Path(line["file"]).name
            series = open_series(path)
        assert series is not None
        if line["repetition"] >= len(series):
            return  # killed between the file and its log
        frame = _as_received(series.frame(line["repetition"]), line)
        if isinstance(frame, ImageFrame):
            if line["fate"] == "shown":
                yield frame
            continue
        if is_first or line["starts_series"]:
            is_first = False
            pipeline.reset()
            if series.planning is not None:
                pipeline.set_planning(series.planning)
        pipeline.ingest(frame)
        image = pipeline.reconstruct() if line["fate"] in ("shown", "held") else None
        if image is not None:
            yield image


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    try:
        content = log.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{log}: cannot be read as the log of a recording ({error})") from None
    for number, text in enumerate(content, start=1):
        try:
            line = json.loads(text)
            if not {"accepted", "fate", "starts_series", "file", "repetition", "index", "stream"} <= line.keys():
                raise ValueError
        except (ValueError, AttributeError):
            if number == len(content):
                return
            raise InputError(f"{log}: line {number} is not of a recording's log") from None
        yield line


def _as_received(frame: Frame, line: dict[str, Any]) -> Frame:
    """Index, stream and times as they came; the file counts from zero."""
    return replace(
        frame,
        index=line["index"],
        stream_id=line["stream"],
        acquisition_start_time=line["acquisition_start_time"],
        acquisition_end_time=line["acquisition_end_time"],
    )
