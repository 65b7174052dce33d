"""The MRD port of the engine: a scanner's raw lines in, images back on the same connection."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.mrd.frame_rule import FrameRule
from TemporalReconLib.mrd.server import MrdServer

logger = logging.getLogger(__name__)

LAST_IMAGES_S = 30.0
# One scanner at a time.
SENDER = "mrd"


class MrdLink:
    """Joins an MRD server to an engine.

    A scanner's frames are frames of a series like any other; a fully sampled repetition serves as planning
    frame. Pictures go back to it while it is connected, those of other senders (OpenIGTLink) do not.

    Parameters
    ----------
    port, host, allow, rule
        As in :class:`~TemporalReconLib.mrd.server.MrdServer`.
    """

    def __init__(self, port: int, host: str, allow: Sequence[str], rule: FrameRule | None = None) -> None:
        self.server = MrdServer(port, host, allow, on_frame=self._receive, on_series_end=self._finish, rule=rule)
        self._engine: Engine | None = None
        self._stream_id: str | None = None

    def start(self, engine: Engine) -> None:
        """Listen; raises InputError if the port is taken."""
        self._engine = engine
        self.server.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """Disconnect the scanner and stop listening."""
        self.server.stop(timeout_s)

    def send_image(self, image: ImageFrame) -> None:
        """Give a picture back to the scanner it came from; never waits."""
        if image.stream_id == self._stream_id:
            self.server.send_image(image)

    def _receive(self, frame: KSpaceFrame) -> None:
        assert self._engine is not None
        self._stream_id = frame.stream_id
        self._engine.submit("frame", frame, time_is_known=self.server.has_clock, sender=SENDER)

    def _finish(self) -> None:
        """The scanner gets the last pictures before the connection is closed."""
        assert self._engine is not None
        if not self._engine.wait_until_done(LAST_IMAGES_S):
            logger.warning("the last pictures were not ready within %.0f s of the scan's end", LAST_IMAGES_S)
        self._stream_id = None
