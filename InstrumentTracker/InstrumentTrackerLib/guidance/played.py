"""Guidance in a series from file, as the clinician would have had it live."""

from __future__ import annotations

from collections.abc import Iterator

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.engine.offline import OpenedSeries, reconstruct_series
from TemporalReconLib.reconstruction.reconstructor import Reconstructor

from InstrumentTrackerLib.pipeline import Guidance, TrackingPipeline


def guidance_of(opened: OpenedSeries, pipeline: TrackingPipeline, reconstructor: Reconstructor) -> Iterator[Guidance]:
    """Pictures as they are; k-space reconstructed and its samples used as they would be live.

    Parameters
    ----------
    pipeline, reconstructor
        Without history.
    """
    if opened.series.is_kspace:
        if opened.planning is not None:
            pipeline.set_planning(opened.planning)
        # Slices played as time have no past: the frame before shows another place.
        ingest = pipeline.ingest if opened.follow_geometry else None
        for image in reconstruct_series(opened, reconstructor, ingest):
            yield pipeline.push(image)
        return
    for frame in opened.frames():
        assert isinstance(frame, ImageFrame)
        yield pipeline.push(frame)
