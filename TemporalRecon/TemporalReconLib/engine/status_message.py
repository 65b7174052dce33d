"""The engine's STATUS message: state and reason as text, the figures a monitor shows as metadata."""

from __future__ import annotations

import json
import time

from TemporalReconLib.engine.device_memory import DeviceState
from TemporalReconLib.engine.health import HealthReport
from TemporalReconLib.engine.pipeline import StreamCounters
from TemporalReconLib.engine.recording_state import RecordingState
from TemporalReconLib.igtl.counters import ServerCounters
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.messages import STATUS_NOT_READY, STATUS_OK, STATUS_UNKNOWN_ERROR, StatusMessage

_STATUS_CODES = {"running": STATUS_OK, "failed": STATUS_UNKNOWN_ERROR}
_MAX_TEXT = 1000


def status_envelope(
    device_name: str,
    report: HealthReport,
    stream: StreamCounters,
    method: str,
    device: DeviceState,
    n_senders: int,
    link: ServerCounters | None = None,
    recording: RecordingState | None = None,
) -> Envelope:
    """Compose the message.

    Metadata: ``TR.State``, ``TR.Method``, ``TR.Device``, ``TR.MemoryFree_MB`` (where known), ``TR.Latency_ms`` and
    ``TR.LatencyP95_ms`` (after the first picture), ``TR.Recording`` (where there is a folder, see
    :attr:`~TemporalReconLib.engine.recording_state.RecordingState.text`) and ``TR.Counters``, a JSON object.

    Parameters
    ----------
    device_name
        Under which it is sent.
    n_senders
        Peers that sent a frame lately.
    """
    metadata = {
        "TR.State": report.state,
        "TR.Counters": json.dumps(_figures(report, stream, n_senders, link)),
        "TR.Method": method,
        "TR.Device": _ascii(device.name),
    }
    if device.free_bytes is not None:
        metadata["TR.MemoryFree_MB"] = f"{device.free_bytes / 1e6:.0f}"
    if report.shown:
        metadata["TR.Latency_ms"] = f"{report.latency_ms_median:.1f}"
        metadata["TR.LatencyP95_ms"] = f"{report.latency_ms_p95:.1f}"
    text = report.state if not report.reason else f"{report.state}: {report.reason}"
    if recording is not None:
        metadata["TR.Recording"] = _ascii(recording.text)
        if recording.failure or recording.warning:
            text += f"; recording {recording.text}"
    code = _STATUS_CODES.get(report.state, STATUS_NOT_READY)
    message = StatusMessage(code=code, text=_ascii(text)[:_MAX_TEXT], error_name=report.state)
    return Envelope(message, device_name, timestamp=time.time(), metadata=metadata)


def _figures(
    report: HealthReport, stream: StreamCounters, n_senders: int, link: ServerCounters | None
) -> dict[str, object]:
    figures: dict[str, object] = {
        "arrived": report.arrived,
        "paused": report.paused,
        "foreign": report.foreign,
        "accepted": stream.accepted,
        "missing": stream.missing,
        "repeated": stream.repeated,
        "stepped_back": stream.stepped_back,
        "moved": stream.moved,
        "restarts": stream.restarts,
        "shown": report.shown,
        "skipped": report.skipped,
        "rejected": report.rejected,
        "senders": n_senders,
    }
    if link is not None:
        figures |= {
            "clients": link.clients,
            "messages_dropped": link.dropped,
            "clients_closed": link.closed,
            "clients_refused": link.refused_clients,
            "sends_skipped": link.skipped_sends,
            "byte_order_corrected": link.byte_order_corrected,
        }
    return figures


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()
