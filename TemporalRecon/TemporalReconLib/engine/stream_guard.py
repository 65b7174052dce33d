"""One stream at a time: what two senders at once may do to the picture, which is nothing."""

from __future__ import annotations

from collections import OrderedDict

SILENCE_S = 1.0
# A sender with a new name for every frame must not fill the memory.
_MAX_REMEMBERED = 64


class StreamGuard:
    """Decides whose frames are used.

    A stream that was not heard before takes over at once: the scanner has begun its next series. From then on frames
    of the streams before it are left out, so that interleaved senders cannot mix; such a stream comes back only when
    the newer one has been silent for ``SILENCE_S`` seconds.
    """

    def __init__(self) -> None:
        self._current: str | None = None
        self._last_heard_s = 0.0
        self._replaced: OrderedDict[str, None] = OrderedDict()

    @property
    def current(self) -> str:
        """The stream whose frames are used; empty before the first."""
        return self._current or ""

    def admits(self, stream_id: str, now_s: float) -> bool:
        """Whether a frame of this stream is used.

        Parameters
        ----------
        now_s
            When it arrived, by a clock that never jumps.
        """
        if stream_id != self._current and self._current is not None:
            is_silent = now_s - self._last_heard_s > SILENCE_S
            if stream_id in self._replaced and not is_silent:
                return False
            self._replaced.pop(stream_id, None)
            self._replaced[self._current] = None
            if len(self._replaced) > _MAX_REMEMBERED:
                self._replaced.popitem(last=False)
        self._current = stream_id
        self._last_heard_s = now_s
        return True

    def reset(self) -> None:
        """Forget all streams."""
        self._current = None
        self._replaced.clear()
