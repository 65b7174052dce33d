"""Guidance of a frame as OpenIGTLink messages, and back into guidance where it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import Matrix
from TemporalReconLib.igtl.device_names import (
    GUIDE_TIP_DEVICE,
    INSTRUMENT_DEVICE,
    RECON_DEVICE,
    SCAN_PLANE_DEVICE,
    TIP_DEVICE,
)
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.frames import (
    instrument_envelope,
    recon_envelope,
    transform_envelope,
    transform_is_valid,
)
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import TransformMessage

from InstrumentTrackerLib.localization.instrument_pose import Point
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState

if TYPE_CHECKING:  # a display reads messages without loading what computes them
    from InstrumentTrackerLib.pipeline import Guidance
    from InstrumentTrackerLib.targeting.targeting_error import TargetingError

TIP_KIND_KEY = "TR.TipKind"
# What more is known of the tip, on TipToRAS: upper triangles xx xy xz yy yz zz of covariances, and plain words.
TIP_COVARIANCE_KEY, AXIS_COVARIANCE_KEY = "TR.TipCovariance_mm2", "TR.AxisCovariance_rad2"
MOTION_KEY, FIRED_KEY, CORRECTION_KEY = "TR.Motion", "TR.HasFired", "TR.ArtifactCorrection_mm"
# The tip against the target, where there is one, as in the columns of the track table.
ERROR_KEYS = {
    "TR.Distance_mm": "distance_mm",
    "TR.Lateral_mm": "lateral_mm",
    "TR.Depth_mm": "depth_mm",
    "TR.Angle_deg": "angle_deg",
}
_UPPER = np.triu_indices(3)


def guidance_envelopes(guidance: Guidance, send_scan_plane: bool = False) -> list[Envelope]:
    """``RECON``, ``INSTRUMENT``, ``GuideTipToRAS`` and ``TipToRAS`` of one frame, ``TipToRAS`` last.

    Parameters
    ----------
    send_scan_plane
        Add ``PLANE_0``, the plane of the picture moved so that the tip lies in it (opt-in: a scanner may follow).
    """
    image, tracked = guidance.image, guidance.tracked
    state, confidence = tracked.state.value, tracked.confidence
    time_s = image.mid_acquisition_time

    def transform(point: Point | None, device: str) -> Envelope:
        matrix = None if point is None or tracked.axis is None else tip_matrix(point, tracked.axis)
        return transform_envelope(
            matrix, device, timestamp=time_s, index=image.index, state=state, confidence=confidence
        )

    tip = transform(tracked.tip, TIP_DEVICE)
    kind = "needle" if tracked.needle_tip is not None else "guide"
    envelopes = [
        recon_envelope(image, state=state, confidence=confidence),
        instrument_envelope(guidance.labels, image, state=state, confidence=confidence),
        transform(tracked.guide_tip, GUIDE_TIP_DEVICE),
    ]
    if send_scan_plane and tracked.tip is not None:
        plane = np.array(image.ijk_to_ras)
        plane[:3, :3] /= np.linalg.norm(plane[:3, :3], axis=0)
        plane[:3, 3] = tracked.tip
        envelopes.append(
            transform_envelope(
                plane, SCAN_PLANE_DEVICE, timestamp=time_s, index=image.index, state=state, confidence=confidence
            )
        )
    if tracked.tip is not None:
        metadata = {TIP_KIND_KEY: kind, **_tip_metadata(tracked), **_error_metadata(guidance.error)}
        tip = replace(tip, metadata={**tip.metadata, **metadata})
    envelopes.append(tip)
    return envelopes


def _tip_metadata(tracked: TrackedPose) -> dict[str, str]:
    """What a receiver needs to judge the tip; what is not known is not sent."""
    metadata = {FIRED_KEY: str(int(tracked.has_fired))}
    for key, covariance in (
        (TIP_COVARIANCE_KEY, tracked.tip_covariance),
        (AXIS_COVARIANCE_KEY, tracked.axis_covariance),
    ):
        if covariance is not None:
            metadata[key] = " ".join(f"{value:.6g}" for value in covariance[_UPPER])
    if tracked.motion is not None:
        metadata[MOTION_KEY] = tracked.motion.value
    if tracked.artifact_correction_mm is not None:
        metadata[CORRECTION_KEY] = f"{tracked.artifact_correction_mm:.3f}"
    return metadata


def _error_metadata(error: TargetingError | None) -> dict[str, str]:
    """What a receiver without a plan of its own shows."""
    return {} if error is None else {key: f"{getattr(error, name):.2f}" for key, name in ERROR_KEYS.items()}


def tip_matrix(point: Point, axis: Point) -> Matrix:
    """A right-handed frame at the tip, z along the shaft toward the tip; x and y are any across it."""
    across = np.eye(3)[int(np.argmin(np.abs(axis)))]
    x = np.cross(across, axis)
    x /= np.linalg.norm(x)
    matrix = np.eye(4)
    matrix[:3, :3] = np.column_stack((x, np.cross(axis, x), axis))
    matrix[:3, 3] = point
    return matrix


class GuidanceAssembler:
    """Puts the messages of a frame together again; frames of which a part was skipped are left out."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._image: ImageFrame | None = None
        self._mask: InstrumentMask | None = None
        self._guide: tuple[int, Point | None] | None = None

    def add(self, envelope: Envelope) -> tuple[ImageFrame, InstrumentMask | None, TrackedPose] | None:
        """Take a message; returns a frame once it is whole.

        Raises
        ------
        InputError
            If a message does not fit the contract.
        """
        name, message = envelope.device_name, envelope.message
        if name == RECON_DEVICE:
            frame = self._frames.read(envelope).frame
            self._image = frame if isinstance(frame, ImageFrame) else None
        elif name == INSTRUMENT_DEVICE and isinstance(message, ImageMessage):
            labels = message.data.astype(np.uint8)
            mask = InstrumentMask(labels, message.ijk_to_ras, _index(envelope))
            self._mask = None if mask.is_empty else mask
        elif name == GUIDE_TIP_DEVICE and isinstance(message, TransformMessage):
            self._guide = (_index(envelope), _position(envelope, message))
        elif name == TIP_DEVICE and isinstance(message, TransformMessage):
            return self._complete(envelope, message)
        return None

    def _complete(
        self, envelope: Envelope, message: TransformMessage
    ) -> tuple[ImageFrame, InstrumentMask | None, TrackedPose] | None:
        index = _index(envelope)
        if self._image is None or self._image.index != index or self._guide is None or self._guide[0] != index:
            return None
        tip = _position(envelope, message)
        try:
            state = TrackingState(envelope.metadata.get("TR.State", ""))
        except ValueError:
            raise InputError(
                f"{envelope.device_name}: unknown TR.State {envelope.metadata.get('TR.State')!r}"
            ) from None
        axis = message.matrix[:3, 2] / np.linalg.norm(message.matrix[:3, 2]) if tip is not None else None
        is_needle = envelope.metadata.get(TIP_KIND_KEY) == "needle"
        tracked = TrackedPose(
            state=state,
            guide_tip=self._guide[1],
            needle_tip=tip if is_needle else None,
            axis=axis,
            confidence=float(envelope.metadata.get("TR.Confidence", "0")),
            tip_covariance=_covariance(envelope, TIP_COVARIANCE_KEY),
            index=index,
            time_s=self._image.mid_acquisition_time,
            axis_covariance=_covariance(envelope, AXIS_COVARIANCE_KEY),
            motion=_motion(envelope),
            has_fired=envelope.metadata.get(FIRED_KEY) == "1",
            artifact_correction_mm=_correction(envelope),
        )
        mask = self._mask if self._mask is not None and self._mask.index == index else None
        return self._image, mask, tracked


def _position(envelope: Envelope, message: TransformMessage) -> Point | None:
    return np.array(message.matrix[:3, 3]) if transform_is_valid(envelope) else None


def _covariance(envelope: Envelope, key: str) -> NDArray[np.float64] | None:
    """A sent (3, 3) covariance; senders without one are believed."""
    text = envelope.metadata.get(key)
    if text is None:
        return None
    values = _numbers(envelope, key, text)
    if len(values) != len(_UPPER[0]):
        raise InputError(f"{envelope.device_name}: expected six numbers in {key}, got {text!r}")
    matrix = np.zeros((3, 3))
    matrix[_UPPER] = values
    return np.asarray(np.triu(matrix) + np.triu(matrix, 1).T)


def _motion(envelope: Envelope) -> Motion | None:
    text = envelope.metadata.get(MOTION_KEY)
    try:
        return None if text is None else Motion(text)
    except ValueError:
        raise InputError(f"{envelope.device_name}: unknown {MOTION_KEY} {text!r}") from None


def _correction(envelope: Envelope) -> float | None:
    text = envelope.metadata.get(CORRECTION_KEY)
    return None if text is None else _numbers(envelope, CORRECTION_KEY, text)[0]


def _numbers(envelope: Envelope, key: str, text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split()]
    except ValueError:
        values = []
    if not values or not np.all(np.isfinite(values)):
        raise InputError(f"{envelope.device_name}: expected finite numbers in {key}, got {text!r}")
    return values


def _index(envelope: Envelope) -> int:
    try:
        return int(envelope.metadata["TR.FrameIndex"])
    except (KeyError, ValueError):
        raise InputError(f"{envelope.device_name}: expected TR.FrameIndex in its metadata") from None
