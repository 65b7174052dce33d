"""What a player is doing, as plain values that another thread may read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PlayerState(str, Enum):
    """What the player does now."""

    STOPPED = "stopped"
    OPENING = "opening"
    CONNECTING = "connecting"
    PLAYING = "playing"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"

    @property
    def is_busy(self) -> bool:
        """Whether it prepares or plays; a paused player waits for its user."""
        return self in (PlayerState.OPENING, PlayerState.CONNECTING, PlayerState.PLAYING)


@dataclass(frozen=True)
class PlayerStatus:
    """A moment of a player.

    Attributes
    ----------
    state, reason
        What it does, and why it failed.
    position
        Number of the newest frame that was sent, from 0; None before the first.
    n_frames
        Length of the series; 0 before it is open.
    time_s
        Seconds from the first frame to that one by the series' own clock, whatever the speed; None where it has none.
    rate_fps
        Frames per second it is played with; None before it is open.
    """

    state: PlayerState = PlayerState.STOPPED
    reason: str = ""
    position: int | None = None
    n_frames: int = 0
    time_s: float | None = None
    rate_fps: float | None = None
