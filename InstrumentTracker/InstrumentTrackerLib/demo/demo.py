"""The main job, end to end: scanner and engine as processes of their own, a real socket, a real Slicer scene."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.acquisition.sequence_writer import write_image_sequence
from TemporalReconLib.engine.offline import OpenedSeries
from TemporalReconLib.engine_client.process import EngineProcess

from InstrumentTrackerLib.demo.case import Case
from InstrumentTrackerLib.demo.live_run import ShownFrame, play_and_watch, start_engine
from InstrumentTrackerLib.demo.pictures import moments, write_animation
from InstrumentTrackerLib.demo.summary import summarize
from InstrumentTrackerLib.pipeline import error_of
from InstrumentTrackerLib.scene.mrml_demo_scene import DemoScene
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.track_table import write_track
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

logger = logging.getLogger(__name__)


def run_demo(
    case: Case,
    opened: OpenedSeries,
    target: Target | None,
    output: Path,
    engine_arguments: Sequence[str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Play a case live, show it, and write pictures, table, images, scene and summary to ``output``.

    Parameters
    ----------
    opened
        The same case, opened here to know its length, pace and acceleration.
    engine_arguments
        Further arguments of ``instrument-tracker serve``.
    say
        Told what is being done.

    Returns
    -------
    The content of ``summary.json``.
    """
    scene = DemoScene(target)

    def show(image: ImageFrame, mask: InstrumentMask | None, tracked: TrackedPose) -> None:
        scene.show(image, mask, tracked)

    say("starting the engine as a process of its own")
    engine = EngineProcess("InstrumentTrackerLib", log_folder=output)
    try:
        port = start_engine(engine, list(engine_arguments))
        say(f"playing {len(opened)} frames into 127.0.0.1:{port} at the scanner's pace")
        run = play_and_watch([str(case.path), *case.series_arguments], port, len(opened), show)
    finally:
        engine.stop(wait=True)
    summary = summarize(run, len(opened), opened.acceleration, case.truth)
    if run.shown:
        note = "" if case.truth is None else f"SIMULATED biopsy, R = {opened.acceleration:g}"
        _write_results(output, run.shown, scene, target, note, say)
    with written_atomically(output / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return summary


def _write_results(
    output: Path,
    shown: list[ShownFrame],
    scene: DemoScene,
    target: Target | None,
    note: str,
    say: Callable[[str], None],
) -> None:
    write_track(output / "track.csv", [(frame.tracked, error_of(frame.tracked, target)) for frame in shown])
    write_image_sequence(output / "recon.seq.nrrd", [frame.image for frame in shown])
    say("drawing what the clinician saw")
    stills = moments(shown)
    pictures: list[np.ndarray] = []
    for position, frame in enumerate(shown):
        scene.show(frame.image, frame.mask, frame.tracked, frame.age_s)
        scene.record(frame.image.mid_acquisition_time)
        pictures.append(scene.draw(frame.tracked))
        if position in stills:
            scene.save_picture(pictures[-1], output / f"frame-{frame.image.index:03d}-{frame.tracked.state.value}.png")
    write_animation(output / "biopsy.gif", pictures, [frame.image.mid_acquisition_time for frame in shown], note)
    scene.save(output / "biopsy.mrb")
