"""A reader at work: which picture is due, what was said of it, and how long it was looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum

from InstrumentTrackerLib.reading.answers import CONFIDENCES, Answer, AnswerFile, Position
from InstrumentTrackerLib.reading.reading_list import ReadingList


class ReadingState(Enum):
    """What the reader has before the eyes."""

    WAITING = "waiting"  # the next picture is on its way
    READING = "reading"
    PAUSED = "paused"
    FINISHED = "finished"


class ReadingSession:
    """Goes through a list from the first picture without an answer on; an answer given is final.

    A picture counts as answered with a tip or "not visible", and a confidence. It begins paused.

    Parameters
    ----------
    answers
        Where answers go, and those that are there.
    clock
        Monotonic seconds.
    """

    def __init__(self, content: ReadingList, answers: AnswerFile, clock: Callable[[], float] = time.monotonic) -> None:
        self.content, self.answers = content, answers
        self._clock = clock
        self._state = ReadingState.PAUSED
        self.tip: Position | None = None
        self.says_not_visible = False
        self.confidence: int | None = None
        self._was_shown = False
        self._forget()
        if self.position >= self.count:
            self._state = ReadingState.FINISHED

    @property
    def state(self) -> ReadingState:
        return self._state

    @property
    def count(self) -> int:
        return len(self.content.pictures)

    @property
    def position(self) -> int:
        """Of the picture that is due, from 0; :attr:`count` at the end."""
        return len(self.answers.answers)

    @property
    def picture(self) -> str:
        """Number of the picture that is due, as text."""
        return self.content.pictures[self.position]

    @property
    def part(self) -> tuple[int, int]:
        """(which part, of how many), from 1."""
        starts = self.content.part_starts
        return sum(min(self.position, self.count - 1) >= start for start in starts), len(starts)

    @property
    def is_between_parts(self) -> bool:
        """The last part is done and nothing of the next was shown."""
        return 0 < self.position < self.count and self.position in self.content.part_starts and not self._was_shown

    @property
    def is_answered(self) -> bool:
        return (self.tip is not None or self.says_not_visible) and self.confidence is not None

    def go_on(self) -> None:
        """Begin, or end a pause; :meth:`shown` is due once the picture is on the screen."""
        if self._state is ReadingState.PAUSED:
            self._state = ReadingState.WAITING

    def shown(self) -> None:
        """The picture is on the screen: the time runs."""
        if self._state is ReadingState.WAITING:
            if not self._was_shown:
                self.answers.shown()
            self._state, self._since, self._was_shown = ReadingState.READING, self._clock(), True

    def pause(self) -> None:
        """The picture is hidden and the time stands still; marks and confidence stay."""
        if self._state is ReadingState.READING:
            self._seconds += self._clock() - self._since
            self._pauses += 1
        if self._state is not ReadingState.FINISHED:
            self._state = ReadingState.PAUSED

    def mark(self, tip: Position) -> None:
        """The tip is here, RAS mm."""
        if self._state is ReadingState.READING:
            self.tip, self.says_not_visible = tip, False

    def mark_not_visible(self) -> None:
        if self._state is ReadingState.READING:
            self.tip, self.says_not_visible = None, True

    def take_back(self) -> None:
        """Neither a tip nor "not visible"."""
        if self._state is ReadingState.READING:
            self.tip, self.says_not_visible = None, False

    def rate(self, confidence: int) -> None:
        """1 (a guess) to 5 (certain)."""
        if self._state is ReadingState.READING and confidence in CONFIDENCES:
            self.confidence = confidence

    def finish_picture(self) -> bool:
        """Keep the answer and go to the next picture; False where the answer is not complete."""
        if self._state is not ReadingState.READING or not self.is_answered:
            return False
        assert self.confidence is not None
        seconds = self._seconds + self._clock() - self._since
        self.answers.add(
            Answer(
                self.position,
                self.picture,
                self.tip,
                self.confidence,
                round(seconds, 3),
                self._pauses,
                self._seen_before,
            )
        )
        self._forget()
        if self.position >= self.count:
            self._state = ReadingState.FINISHED
        else:
            self._state = ReadingState.PAUSED if self.is_between_parts else ReadingState.WAITING
        return True

    def _forget(self) -> None:
        """The next picture is a new one."""
        self.tip, self.says_not_visible, self.confidence = None, False, None
        self._seconds = self._since = 0.0
        self._pauses = 0
        self._was_shown = False
        self._seen_before = self.answers.was_shown
