"""A reader's answers: complete, timed without pauses, on disk at once, and found again after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from InstrumentTrackerLib.reading.answers import Answer, AnswerFile, answers_file, read_answers
from InstrumentTrackerLib.reading.reading_list import ReadingList, read_list, readers_in, write_list
from InstrumentTrackerLib.reading.reading_session import ReadingSession, ReadingState
from TemporalReconLib.errors import InputError

LIST = ReadingList("abc", 1, "guide", (("3", "1"), ("2", "4")))
TIP = (1.5, -2.0, 30.25)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begun(folder: Path, clock: Clock | None = None) -> ReadingSession:
    session = ReadingSession(LIST, AnswerFile(folder, LIST), clock or Clock())
    session.go_on()
    session.shown()
    return session


def answer(session: ReadingSession, tip: tuple[float, float, float] | None = TIP, confidence: int = 4) -> bool:
    if tip is None:
        session.mark_not_visible()
    else:
        session.mark(tip)
    session.rate(confidence)
    return session.finish_picture()


def test_a_picture_needs_a_place_or_not_visible_and_a_confidence(tmp_path: Path) -> None:
    session = begun(tmp_path)
    assert not session.finish_picture()
    session.rate(6)
    session.mark(TIP)
    assert not session.finish_picture(), "6 is no confidence"
    session.rate(2)
    session.mark_not_visible()
    assert (session.tip, session.is_answered) == (None, True)
    session.take_back()
    assert not session.is_answered
    assert answer(session)
    assert session.state is ReadingState.WAITING and session.position == 1
    assert (session.tip, session.confidence) == (None, None), "nothing is carried over"


def test_time_stands_still_while_paused_and_while_the_next_picture_comes(tmp_path: Path) -> None:
    clock = Clock()
    session = begun(tmp_path, clock)
    clock.now += 3.0
    session.pause()
    session.mark(TIP)
    assert session.tip is None, "nothing is marked in a hidden picture"
    clock.now += 1000.0
    session.go_on()
    clock.now += 5.0  # the picture is read from disk
    session.shown()
    clock.now += 2.0
    assert answer(session)
    found = session.answers.answers[0]
    assert (found.seconds, found.pauses, found.seen_before) == (5.0, 1, False)


def test_between_parts_the_reader_rests(tmp_path: Path) -> None:
    session = begun(tmp_path)
    answer(session)
    session.shown()
    assert session.part == (1, 2)
    answer(session, None)
    assert session.state is ReadingState.PAUSED and session.is_between_parts and session.part == (2, 2)
    session.go_on()
    session.shown()
    assert not session.is_between_parts
    answer(session)
    session.shown()
    assert answer(session)
    assert session.state is ReadingState.FINISHED
    session.go_on()
    assert session.state is ReadingState.FINISHED


def test_answers_are_one_line_each_and_go_on_where_they_stopped(tmp_path: Path) -> None:
    session = begun(tmp_path)
    answer(session)
    session.shown()
    answer(session, None, 1)
    assert session.answers.close()
    lines = [json.loads(line) for line in answers_file(tmp_path, 1).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["reading", "start", "shown", "answer", "shown", "answer"]
    again = begun(tmp_path)
    assert again.position == 2
    assert [(each.tip, each.confidence) for each in again.answers.answers] == [(TIP, 4), (None, 1)]
    assert answer(again)
    assert not again.answers.answers[-1].seen_before, "the reader had rested between two parts"
    assert again.answers.close()


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_reading_session import begun, answer
session = begun(Path(sys.argv[1]))
answer(session)
session.shown()
while session.answers.n_unsaved:
    time.sleep(0.01)
print("shown", flush=True)
time.sleep(60)
"""


def test_after_kill_9_no_answer_is_lost_and_the_picture_that_was_seen_is_marked(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "shown\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    path = answers_file(tmp_path, 1)
    with path.open("ab") as file:
        file.write(b'{"event": "answer", "posi')  # a line that the crash cut
    session = begun(tmp_path)
    assert (session.position, session.picture) == (1, "1")
    answer(session)
    session.shown()
    assert session.answers.close()
    assert [each.seen_before for each in read_answers(tmp_path, LIST)] == [False, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("abc", "xyz"), "line 1: the answers are of another reading"),
        (('"position": 1', '"position": 0'), "line 6: answer 1 where 2 was due"),
        (('"picture": "1"', '"picture": "4"'), "line 6"),
        (('"confidence": 1', '"confidence": 9'), "line 6: confidence"),
        (('"event": "start"', '"event": start'), "line 2: no line of a reading"),
        (('"seconds"', '"minutes"'), "line 4: no answer"),
    ],
)
def test_damaged_answers_are_refused_by_line(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    session = begun(tmp_path)
    answer(session)
    session.shown()
    answer(session, None, 1)
    session.answers.close()
    path = answers_file(tmp_path, 1)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(InputError, match=words):
        AnswerFile(tmp_path, LIST)


def test_a_full_disk_keeps_the_answer_in_memory_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from InstrumentTrackerLib.case_log import journal

    def full(path: Path, line: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "append_line", full)
    answers = AnswerFile(tmp_path, LIST)
    answers.add(Answer(0, "3", None, 3, 1.0))
    assert not answers.close(0.5)
    assert answers.n_unsaved == 3 and answers.problem == "No space left on device"


def test_a_list_is_read_as_it_was_written_and_others_are_refused(tmp_path: Path) -> None:
    write_list(tmp_path, LIST)
    assert read_list(tmp_path, 1) == LIST
    assert readers_in(tmp_path) == [1]
    path = tmp_path / "reader-1.json"
    whole = path.read_text()
    for text in (
        "[]",
        "{",
        whole.replace('"guide"', '"tip"'),
        whole.replace('"3"', '"../3"'),
        whole.replace('"3"', '"1"'),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=r"reader-1\.json"):
            read_list(tmp_path, 1)
    path.rename(tmp_path / "other.json")
    with pytest.raises(InputError, match="no reading in it"):
        readers_in(tmp_path)
