"""IMAGE messages -> frames, with what their sender left unsaid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import MAX_COILS, KSpaceFrame
from TemporalReconLib.igtl.device_names import KSPACE_DEVICE
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.frame_metadata import FrameMetadata, decode_mask, number, parse_frame_metadata
from TemporalReconLib.igtl.image_message import ImageMessage


@dataclass(frozen=True, eq=False)
class IncomingFrame:
    """A frame and how far its index and time can be trusted.

    Attributes
    ----------
    frame
        K-space or image.
    is_planning
        True for a fully sampled planning scan that is not a frame of the series.
    time_is_known
        False where the sender states no time and the time of arrival stands in for it.
    """

    frame: KSpaceFrame | ImageFrame
    is_planning: bool
    time_is_known: bool


class FrameReader:
    """Reads the frames of one input; keep one per device name.

    Frames of a sender that states no index are counted up; without ``TR.DataDomain`` the device name tells k-space.
    """

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def read(self, envelope: Envelope) -> IncomingFrame:
        """Convert one IMAGE; a message that fails does not count as a frame.

        Raises
        ------
        MessageError
            If it is not an IMAGE, or pixels and metadata do not fit together.
        InputError
            If the frame is unusable (NaN, no sampled line).
        """
        if not isinstance(envelope.message, ImageMessage):
            raise MessageError("type", f"{envelope.device_name}: {envelope.type_name} is not a frame, expected IMAGE")
        stated = parse_frame_metadata(envelope.metadata)
        stream_id = stated.stream_id or ""
        index = stated.index
        if index is None:
            index = self._last[1] + 1 if self._last is not None and self._last[0] == stream_id else 0
        start, end, time_is_known = _times(envelope, stated)
        domain = stated.domain or ("kspace" if envelope.device_name == KSPACE_DEVICE else "image")
        frame: KSpaceFrame | ImageFrame
        if domain == "kspace":
            data, mask = _kspace(envelope.message, stated)
            frame = KSpaceFrame(
                data, mask, envelope.message.ijk_to_ras, index, start, end, stream_id, stated.has_geometry
            )
        else:
            frame = _image_frame(envelope, envelope.message, index, (start, end), stream_id, stated.has_geometry)
        if not stated.is_planning:
            self._last = (stream_id, index)
        return IncomingFrame(frame, stated.is_planning, time_is_known)

    def reset(self) -> None:
        """Count frames without an index from 0 again."""
        self._last = None


def _times(envelope: Envelope, stated: FrameMetadata) -> tuple[float, float, bool]:
    if stated.times is not None:
        return (*stated.times, True)
    if envelope.timestamp > 0.0:
        return envelope.timestamp, envelope.timestamp, True
    return envelope.arrival_time, envelope.arrival_time, False


def _kspace(message: ImageMessage, stated: FrameMetadata) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
    """Data (coil, slice, ky, kx) and mask (slice, ky)."""
    pixels = message.data
    if pixels.dtype != np.float32 or pixels.ndim != 4 or pixels.shape[3] % 2:
        raise MessageError(
            "content", f"k-space needs float32 with re, im per coil, got {pixels.dtype} x {message.n_components}"
        )
    n_coils = pixels.shape[3] // 2
    if n_coils > MAX_COILS or (stated.n_coils is not None and stated.n_coils != n_coils):
        raise MessageError("metadata", f"TR.NumCoils {stated.n_coils}, but {pixels.shape[3]} components")
    mask: NDArray[np.bool_]
    if stated.mask is None:
        mask = np.asarray(pixels.any(axis=(2, 3)))
    else:
        mask = decode_mask(stated.mask, pixels.shape[0], pixels.shape[1])
    interleaved = np.ascontiguousarray(pixels).view(np.complex64)
    # Only acquired lines are taken: it is much faster, and what a sender left in other lines is no measurement.
    data = np.zeros((n_coils, *interleaved.shape[:3]), dtype=np.complex64)
    data[:, mask] = np.moveaxis(interleaved[mask], -1, 0)
    return data, mask


def _image_frame(
    envelope: Envelope,
    message: ImageMessage,
    index: int,
    times: tuple[float, float],
    stream_id: str,
    has_geometry: bool,
) -> ImageFrame:
    complex_data = None
    if message.n_components == 1:
        with np.errstate(over="ignore"):  # ImageFrame refuses what float32 cannot hold
            data = np.abs(message.data.reshape(message.data.shape[:3]).astype(np.float32))
    elif message.n_components == 2:
        pairs = np.ascontiguousarray(message.data, dtype=np.float32)
        complex_data = pairs.view(np.complex64)[..., 0]
        data = np.abs(complex_data)
    else:
        raise MessageError(
            "content",
            f"{envelope.device_name}: {message.n_components} components, an image has 1 (magnitude) or 2 (re, im)",
        )
    quality = number(envelope.metadata, "TR.Quality")
    if quality is not None and not 0.0 <= quality <= 1.0:
        raise MessageError("metadata", f"TR.Quality {quality} is outside 0..1")
    return ImageFrame(
        data,
        message.ijk_to_ras,
        index,
        *times,
        stream_id,
        has_geometry,
        complex_data,
        quality,
        latency_s=(number(envelope.metadata, "TR.Latency_ms") or 0.0) / 1e3,
    )
