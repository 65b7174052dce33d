"""What was found in a picture, as one line of the recording's log holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import transform_is_valid
from TemporalReconLib.igtl.messages import TransformMessage


@dataclass(frozen=True)
class ShownPicture:
    """A picture that went out: arrival to publication, and what was found in it."""

    latency_ms: float
    results: dict[str, Any]


def results_of(image: ImageFrame, envelopes: Sequence[Envelope]) -> dict[str, Any]:
    """Frame, method and quality of the picture, and every pose that went out with it.

    Returns
    -------
    ``index``, ``method``, ``quality`` (None where the method states none) and ``poses``: per device its 4x4 matrix
    (tool to RAS, mm; rows; None where it is not known) and its ``TR.*`` metadata.
    """
    poses = {}
    for envelope in envelopes:
        if isinstance(envelope.message, TransformMessage):
            matrix = envelope.message.matrix.tolist() if transform_is_valid(envelope) else None
            stated = {key: value for key, value in envelope.metadata.items() if key.startswith("TR.")}
            poses[envelope.device_name] = {"matrix": matrix, **stated}
    return {"index": image.index, "method": image.method, "quality": image.quality, "poses": poses}
