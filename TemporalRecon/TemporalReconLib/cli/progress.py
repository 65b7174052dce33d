"""How far a command has come: one line on stderr that overwrites itself."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TypeVar

Item = TypeVar("Item")


class Progress:
    """Used as ``with Progress() as progress: progress.show("frame 1/9")``.

    The line ends with the block, so that an error stands on a line of its own.
    """

    def __init__(self) -> None:
        self._is_open = False

    def show(self, text: str) -> None:
        """Overwrite the line; texts of one command have about the same length."""
        self._is_open = True
        sys.stderr.write(f"\r{text} ")
        sys.stderr.flush()

    def count(self, items: Iterable[Item], total: int, text: str) -> Iterator[Item]:
        """Pass items on, showing ``text number/total``."""
        for number, item in enumerate(items, start=1):
            self.show(f"{text} {number}/{total}")
            yield item

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_open:
            sys.stderr.write("\n")


def duration_text(seconds: float) -> str:
    """Time to go, at least a minute: ``1 h 05 min``, ``12 min``."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{max(minutes, 1)} min"
