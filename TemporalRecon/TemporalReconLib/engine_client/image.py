"""How old a picture from the engine is."""

from __future__ import annotations

import math

from TemporalReconLib.igtl.envelope import Envelope

# A clock that is ahead of ours, or behind by more than this, is not set alike: its times say nothing about age.
_MAX_BELIEVABLE_AGE_S = 60.0


def age_on_arrival_s(envelope: Envelope) -> float:
    """Seconds from the middle of the acquisition to the message's arrival.

    Measured between two clocks where the message has a time and the clocks agree roughly; otherwise at least the
    time the engine says it took.
    """
    if envelope.timestamp > 0.0:
        age = envelope.arrival_time - envelope.timestamp
        if 0.0 <= age <= _MAX_BELIEVABLE_AGE_S:
            return age
    return (number_of(envelope.metadata.get("TR.Latency_ms")) or 0.0) / 1e3


def number_of(text: str | None) -> float | None:
    """A finite number of a metadata value, or None: other engines may send anything."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
