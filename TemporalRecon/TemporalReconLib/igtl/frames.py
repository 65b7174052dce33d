"""Frames, masks and poses -> the messages of our wire contract; :class:`FrameReader` reads frames back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.device_names import (
    IMAGE_DEVICE,
    INSTRUMENT_DEVICE,
    KSPACE_DEVICE,
    RECON_DEVICE,
    TIP_DEVICE,
)
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frame_metadata import common_metadata, encode_mask
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import TransformMessage


def kspace_envelope(frame: KSpaceFrame, planning: bool = False) -> Envelope:
    """K-space as float32 IMAGE with 2 * n_coils components (re, im per coil); i = kx, j = ky, k = slice.

    Parameters
    ----------
    planning
        True for a fully sampled planning scan that is not a frame of the series (``TR.Role``).
    """
    interleaved = np.zeros((*frame.data.shape[1:], frame.n_coils), dtype=np.complex64)
    interleaved[frame.mask] = np.moveaxis(frame.data[:, frame.mask], 0, -1)
    metadata = common_metadata(frame, "kspace", planning)
    metadata["TR.NumCoils"] = str(frame.n_coils)
    metadata["TR.Mask"] = encode_mask(frame.mask)
    return Envelope(
        ImageMessage(interleaved.view(np.float32), frame.ijk_to_ras), KSPACE_DEVICE, _mid_time(frame), metadata
    )


def image_envelope(frame: ImageFrame, planning: bool = False, send_complex: bool = False) -> Envelope:
    """An image as a scanner sends it: float32 magnitude, or 2 components (re, im) with ``send_complex``.

    Raises
    ------
    InputError
        If a complex image is asked for and the frame has none.
    """
    data: NDArray = frame.data
    if send_complex:
        if frame.complex_data is None:
            raise InputError(f"image frame {frame.index}: has no complex image to send; send the magnitude")
        data = np.ascontiguousarray(frame.complex_data)[..., np.newaxis].view(np.float32)
    metadata = common_metadata(frame, "image", planning)
    return Envelope(ImageMessage(data, frame.ijk_to_ras), IMAGE_DEVICE, _mid_time(frame), metadata)


def recon_envelope(frame: ImageFrame, *, state: str | None = None, confidence: float | None = None) -> Envelope:
    """Reconstructed magnitude, float32, one component; echoes index and times of its input.

    Its latency is the frame's reconstruction time, until the engine that publishes it knows the whole.

    Parameters
    ----------
    state, confidence
        Tracking state and confidence of this frame.
    """
    metadata = common_metadata(frame, "image")
    metadata |= result_metadata(latency_s=frame.latency_s, quality=frame.quality, state=state, confidence=confidence)
    return Envelope(ImageMessage(frame.data, frame.ijk_to_ras), RECON_DEVICE, _mid_time(frame), metadata)


def instrument_envelope(
    labels: NDArray[np.uint8],
    frame: ImageFrame,
    *,
    state: str | None = None,
    confidence: float | None = None,
) -> Envelope:
    """Instrument labels uint8 (slice, row, col), 1 guide, 2 needle, on the grid of the image they were found in.

    Raises
    ------
    InputError
        If type or shape of the labels is another.
    """
    if labels.dtype != np.uint8 or labels.shape != frame.data.shape:
        raise InputError(
            f"instrument labels of frame {frame.index}: expected uint8 {frame.data.shape}, "
            f"got {labels.dtype} {labels.shape}"
        )
    metadata = common_metadata(frame, "image") | result_metadata(state=state, confidence=confidence)
    return Envelope(ImageMessage(labels, frame.ijk_to_ras), INSTRUMENT_DEVICE, _mid_time(frame), metadata)


def transform_envelope(
    matrix: ArrayLike | None,
    device_name: str = TIP_DEVICE,
    *,
    timestamp: float = 0.0,
    index: int | None = None,
    state: str | None = None,
    confidence: float | None = None,
) -> Envelope:
    """A pose with its validity.

    Parameters
    ----------
    matrix
        4x4 tool to RAS, mm (z along the shaft for tips). None says that the pose is not known: the message
        carries the identity and ``TransformStatus`` INVALID, and receivers must not move anything.
    timestamp
        Mid-acquisition UTC epoch seconds.
    """
    metadata = {"TransformStatus": "INVALID" if matrix is None else "OK", "TR.Version": "1"}
    if index is not None:
        metadata["TR.FrameIndex"] = str(index)
    metadata |= result_metadata(state=state, confidence=confidence)
    content = TransformMessage(np.eye(4) if matrix is None else np.asarray(matrix, dtype=np.float64))
    return Envelope(content, device_name, timestamp, metadata)


def transform_is_valid(envelope: Envelope) -> bool:
    """False if the sender says that the pose is not known; senders without metadata are believed."""
    return envelope.metadata.get("TransformStatus", "OK").upper() == "OK"


def result_metadata(
    *,
    latency_s: float | None = None,
    quality: float | None = None,
    state: str | None = None,
    confidence: float | None = None,
) -> dict[str, str]:
    """The ``TR.*`` metadata that results add; what is None is not sent."""
    values = {
        "TR.Latency_ms": None if latency_s is None else f"{1e3 * latency_s:.3f}",
        "TR.Quality": None if quality is None else f"{quality:.4f}",
        "TR.State": state,
        "TR.Confidence": None if confidence is None else f"{confidence:.4f}",
    }
    return {key: value for key, value in values.items() if value is not None}


def _mid_time(frame: KSpaceFrame | ImageFrame) -> float:
    return 0.5 * (frame.acquisition_start_time + frame.acquisition_end_time)
