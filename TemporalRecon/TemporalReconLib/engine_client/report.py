"""What the engine says of itself: start-up steps on its standard output, figures in its STATUS messages."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from TemporalReconLib.engine_client.image import number_of

_STEP = re.compile(r"step ([0-9]+)/([0-9]+): (.*)")


@dataclass(frozen=True)
class StartUpStep:
    """The step of its start that the engine has done last, counted from 1; 0 before the first.

    Attributes
    ----------
    text
        What was done, in the engine's words.
    """

    number: int = 0
    n_steps: int = 4
    text: str = ""


@dataclass(frozen=True)
class EngineReport:
    """Figures of the newest STATUS message; None or empty where the engine does not tell.

    Attributes
    ----------
    device
        What it computes on.
    memory_free_mb
        Free memory of that device, MB.
    latency_median_s, latency_p95_s
        Arrival of the last byte of a frame to its picture on the wire, over the last pictures, s.
    n_arrived, n_shown, n_skipped
        Frames received; pictures made; frames that were used, but gave way to a newer picture.
    n_lost
        Frames that are missing in the numbering, or could not be used.
    n_senders
        Peers that sent a frame lately.
    n_clients
        Connections of the engine, Slicer's own among them.
    recording
        What the recording to disk is doing, with its size and the space left, one phrase that begins with ``on``,
        ``off`` or ``stopped``; empty for an engine without a folder.
    """

    device: str = ""
    memory_free_mb: float | None = None
    latency_median_s: float | None = None
    latency_p95_s: float | None = None
    n_arrived: int = 0
    n_shown: int = 0
    n_skipped: int = 0
    n_lost: int = 0
    n_senders: int = 0
    n_clients: int = 0
    recording: str = ""

    @property
    def recording_has_failed(self) -> bool:
        """Whether the engine had to stop recording, as on a full disk; False where it was switched off."""
        return self.recording.startswith("stopped")

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> EngineReport:
        """Read the metadata of a STATUS message; what another engine left out or garbled is not known."""
        counters = _counters(metadata.get("TR.Counters", ""))
        return cls(
            device=metadata.get("TR.Device", ""),
            memory_free_mb=number_of(metadata.get("TR.MemoryFree_MB")),
            latency_median_s=_seconds(metadata.get("TR.Latency_ms")),
            latency_p95_s=_seconds(metadata.get("TR.LatencyP95_ms")),
            n_arrived=counters.get("arrived", 0),
            n_shown=counters.get("shown", 0),
            n_skipped=counters.get("skipped", 0),
            n_lost=counters.get("missing", 0) + counters.get("rejected", 0),
            n_senders=counters.get("senders", 0),
            n_clients=counters.get("clients", 0),
            recording=metadata.get("TR.Recording", ""),
        )


def start_up_step(lines: Iterable[str]) -> StartUpStep | None:
    """The newest step that the lines of a log announce (``step 2/4: weights: ...``), or None."""
    newest = None
    for line in lines:
        match = _STEP.fullmatch(line.strip())
        if match is not None and int(match[2]) > 0:
            newest = StartUpStep(int(match[1]), int(match[2]), match[3])
    return newest


def _counters(text: str) -> dict[str, int]:
    try:
        content = json.loads(text) if text else {}
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    numbers = {key: value for key, value in content.items() if isinstance(value, int | float) and math.isfinite(value)}
    return {key: int(value) for key, value in numbers.items()}


def _seconds(text: str | None) -> float | None:
    value = number_of(text)
    return None if value is None else value / 1e3
