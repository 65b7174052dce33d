"""Ctrl-C as a wish to end, not as an accident."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Used as ``with StopRequest() as stop``: Ctrl-C or SIGTERM sets ``stop.is_set``; a second one interrupts at once.

    ``torchrun`` passes on the signal that the terminal has sent already, so beside it a second one means nothing.
    """

    def __init__(self, is_patient: bool = False) -> None:
        self.is_set = False
        self._is_patient = is_patient
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        return self.is_set

    def __enter__(self) -> StopRequest:
        self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set and not self._is_patient:
            raise KeyboardInterrupt
        self.is_set = True
