"""One piece of slow work on a thread, its outcome fetched by whoever asks from time to time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What came of a job: a result, or the error that ended it."""

    result: Any = None
    error: Exception | None = None


class BackgroundJob:
    """Runs one function at a time; nothing is called back."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._outcome: Outcome | None = None

    @property
    def is_running(self) -> bool:
        """Work is going on, or its outcome was not taken yet."""
        return self._thread is not None

    def start(self, function: Callable[[], Any]) -> None:
        """Run a function that touches neither Qt nor the scene; RuntimeError while another one is running."""
        if self.is_running:
            raise RuntimeError("the last job has not ended")

        def run() -> None:
            try:
                self._outcome = Outcome(function())
            except Exception as error:
                self._outcome = Outcome(error=error)

        self._outcome = None
        self._thread = threading.Thread(target=run, name="case files", daemon=True)
        self._thread.start()

    def take(self) -> Outcome | None:
        """The outcome, once; None while there is none."""
        if self._thread is None or self._outcome is None:
            return None
        self._thread, outcome = None, self._outcome
        return outcome
