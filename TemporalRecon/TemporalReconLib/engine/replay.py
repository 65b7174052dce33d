"""A recording played through the pipeline again, with the decisions of the live run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.pipeline import ReconstructionPipeline
from TemporalReconLib.engine.recording_log import RecordedFrames, log_lines
from TemporalReconLib.reconstruction.reconstructor import Reconstructor


def replay(log: Path, reconstructor: Reconstructor) -> Iterator[ImageFrame]:
    """The pictures of the live run, over all files of the recording, bit for bit on the same device.

    Frames that were left out are left out again, and a picture is made exactly where one was made: methods that build
    on their last picture would else go another way. The recording says nothing of changes of the method; one method
    replays all. A recording that was switched on in the middle of a series lacks the frames before, and its first
    pictures differ from the live ones until their lines have come anew.

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
    frames = RecordedFrames(log)
    is_first = True
    for line in log_lines(log):
        if not line["accepted"]:
            continue
        if not frames.has(line):
            return
        frame = frames.frame(line)
        if isinstance(frame, ImageFrame):
            if line["fate"] == "shown":
                yield frame
            continue
        if is_first or line["starts_series"]:
            is_first = False
            pipeline.reset()
            planning = frames.planning_of(line)
            if planning is not None:
                pipeline.set_planning(planning)
        pipeline.ingest(frame)
        image = pipeline.reconstruct() if line["fate"] in ("shown", "held") else None
        if image is not None:
            yield image
