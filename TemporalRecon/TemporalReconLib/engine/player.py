"""A series sent over OpenIGTLink at its own pace, stamped with the present time, as a scanner would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.offline import OpenedSeries
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import image_envelope, kspace_envelope

DEFAULT_RATE_FPS = 5.0


def play(opened: OpenedSeries, client: IgtlClient, rate_fps: float | None = None) -> Iterator[KSpaceFrame | ImageFrame]:
    """Send the planning scan, then every frame when its acquisition ends; yields each frame once sent.

    Returns when the engine has read the last frame; the client is disconnected then.

    Frames carry the time at which they would have been acquired, so that receivers can tell their age.

    Parameters
    ----------
    rate_fps
        Frames per second; None takes the series' own rate, or 5 where it states none.

    Raises
    ------
    LinkLostError
        If the engine has gone.
    """
    interval = 1.0 / rate_fps if rate_fps is not None else (opened.series.frame_interval_s or 1.0 / DEFAULT_RATE_FPS)
    if opened.planning is not None:
        now = time.time()
        client.send(_envelope(_stamped(opened.planning, now, now), planning=True))
    begin = time.time()
    for count, frame in enumerate(opened.frames()):
        start, end = begin + count * interval, begin + (count + 1) * interval
        envelope = _envelope(_stamped(frame, start, end))
        time.sleep(max(0.0, end - time.time()))
        client.send(envelope)
        yield frame
    client.finish()


def _stamped(frame: KSpaceFrame | ImageFrame, start: float, end: float) -> KSpaceFrame | ImageFrame:
    return replace(frame, acquisition_start_time=start, acquisition_end_time=end)


def _envelope(frame: KSpaceFrame | ImageFrame, planning: bool = False) -> Envelope:
    if isinstance(frame, KSpaceFrame):
        return kspace_envelope(frame, planning=planning)
    return image_envelope(frame, planning=planning)
