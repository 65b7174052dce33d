"""What a reader answered: one JSON object per line, on disk before the next picture is shown."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib import __version__
from InstrumentTrackerLib.case_log.journal import Journal, complete_lines
from InstrumentTrackerLib.reading.reading_list import ReadingList

CONFIDENCES = (1, 2, 3, 4, 5)

Position = tuple[float, float, float]


@dataclass(frozen=True)
class Answer:
    """One picture, answered.

    Attributes
    ----------
    position
        Place in the reader's list, from 0.
    picture
        Its number as text.
    tip
        RAS mm; None: "not visible".
    confidence
        1 (a guess) to 5 (certain), of either answer.
    seconds
        For which the picture was on the screen, without pauses.
    pauses
        How often it was hidden before it was answered.
    seen_before
        It had been on the screen when the reading ended (a crash, or Slicer was closed): its time is too short.
    """

    position: int
    picture: str
    tip: Position | None
    confidence: int
    seconds: float
    pauses: int = 0
    seen_before: bool = False


def answers_file(folder: Path, reader: int) -> Path:
    return folder / f"reader-{reader}.answers.jsonl"


class AnswerFile:
    """``reader-N.answers.jsonl``: goes on where it stopped; nothing is ever taken out of it.

    The first line says of which reading it is; a ``start`` line stands before what was answered in one sitting, and a
    ``shown`` line before each answer, so that a picture that was on the screen at a crash is known afterwards. Writing
    is done on a thread; what cannot be written stays in memory and is tried again.

    Raises
    ------
    InputError
        If there are answers that cannot be read, or that do not belong to the list.
    """

    def __init__(self, folder: Path, content: ReadingList) -> None:
        path = answers_file(folder, content.reader)
        self.answers: list[Answer] = []
        self._last_shown = -1
        has_begun = path.is_file() and bool(complete_lines(path))
        if has_begun:
            self.answers, self._last_shown = _read(path, content)
        self._journal = Journal(path)
        if not has_begun:
            self._write("reading", {"format": 1, "reading": content.reading, "reader": content.reader})
        self._write("start", {"time_s": time.time(), "software": __version__})

    @property
    def n_unsaved(self) -> int:
        """Lines that are in memory only."""
        return self._journal.n_unsaved

    @property
    def problem(self) -> str:
        """Why the last write failed, or empty."""
        return self._journal.problem

    @property
    def was_shown(self) -> bool:
        """Whether the picture that is due has been on the screen."""
        return self._last_shown >= len(self.answers)

    def shown(self) -> None:
        """The picture that is due is on the screen now; returns at once."""
        self._last_shown = len(self.answers)
        self._write("shown", {"position": self._last_shown})

    def add(self, answer: Answer) -> None:
        """Append an answer; returns at once."""
        self.answers.append(answer)
        content = vars(answer) | {"time_s": time.time()}
        self._write("answer", content)

    def close(self, timeout_s: float = 2.0) -> bool:
        """End the writing; False if something could not be saved."""
        return self._journal.close(timeout_s)

    def _write(self, event: str, content: dict[str, Any]) -> None:
        self._journal.add_line(json.dumps({"event": event, **content}, allow_nan=False))


def read_answers(folder: Path, content: ReadingList) -> list[Answer]:
    """The answers of a reader so far, in order of the list.

    A last line that a crash cut short does not count.

    Raises
    ------
    InputError
        Names the file and the line that is wrong; also if the answers are of another reading or out of order.
    """
    return _read(answers_file(folder, content.reader), content)[0]


def _read(path: Path, content: ReadingList) -> tuple[list[Answer], int]:
    """Answers, and the position that was shown last (-1: none)."""
    answers: list[Answer] = []
    last_shown = -1
    for number, line in enumerate(complete_lines(path), start=1):
        where = f"{path}: line {number}"
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{where}: no line of a reading; was the file edited?") from None
        if number == 1 and (kind != "reading" or event.get("reading") != content.reading):
            raise InputError(f"{where}: the answers are of another reading than {content.reading}")
        if kind == "answer":
            answer = _answer(event, where)
            place = len(answers)
            if answer.position != place or place >= len(content.pictures) or answer.picture != content.pictures[place]:
                raise InputError(f"{where}: answer {answer.position + 1} where {place + 1} was due; two at a time?")
            answers.append(answer)
        elif kind == "shown":
            last_shown = int(event.get("position", -1))
    return answers, last_shown


def _answer(event: dict[str, Any], where: str) -> Answer:
    try:
        tip = event["tip"]
        answer = Answer(
            int(event["position"]),
            str(event["picture"]),
            None if tip is None else (float(tip[0]), float(tip[1]), float(tip[2])),
            int(event["confidence"]),
            float(event["seconds"]),
            int(event["pauses"]),
            bool(event["seen_before"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{where}: no answer ({error!r})") from None
    numbers = [answer.seconds, *(answer.tip or ())]
    if answer.confidence not in CONFIDENCES or not all(map(math.isfinite, numbers)) or answer.seconds < 0:
        raise InputError(f"{where}: confidence, time or tip cannot be meant")
    return answer
