"""Readers' answers with what the pictures were: rows for the analysis of a study."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.reading.answers import Answer, Position, answers_file, read_answers
from InstrumentTrackerLib.reading.reading_key import PictureKey, ReadingKey, read_key
from InstrumentTrackerLib.reading.reading_list import read_list, readers_in


@dataclass(frozen=True)
class ReadingRow:
    """One picture read by one reader.

    Attributes
    ----------
    reader
        Number from 1.
    picture
        What was shown, and where its tip is.
    tip
        Where the reader put it, RAS mm; None: "not visible".
    error_mm
        Distance between both; None unless there is a tip and it was marked.
    confidence
        1 to 5.
    seconds
        None where the reader had seen the picture before a restart.
    """

    reader: int
    picture: PictureKey
    tip: Position | None
    error_mm: float | None
    confidence: int
    seconds: float | None

    @property
    def has_tip(self) -> bool:
        """Whether the picture shows the tip."""
        return self.picture.tip is not None


@dataclass(frozen=True)
class Reading:
    """All that was read.

    Attributes
    ----------
    rows
        By reader, in the order in which they read.
    answered
        By reader: (answers, pictures in the list).
    excluded
        (patient, case, reason) of cases whose readings do not count.
    """

    rows: tuple[ReadingRow, ...] = ()
    answered: Mapping[int, tuple[int, int]] | None = None
    excluded: tuple[tuple[str, str, str], ...] = ()


def join_reading(folder: Path, key_file: Path, point: str, cases: Mapping[tuple[str, str], str]) -> Reading:
    """Join the answers in a folder with their key.

    Parameters
    ----------
    point
        Whose error the study is about; it must be what the readers marked.
    cases
        Fingerprint by (patient, case) of the study: only what was read of the same files counts.

    Raises
    ------
    InputError
        If answers, lists or key cannot be read or do not belong together, or if nobody has read anything.
    """
    key = read_key(key_file)
    if key.point != point:
        raise InputError(f"{key_file}: the readers marked the {key.point} tip, but the study is about the {point} tip")
    found: list[tuple[int, Answer]] = []
    answered = {}
    for reader in readers_in(folder):
        if not answers_file(folder, reader).is_file():
            continue
        content = read_list(folder, reader)
        if content.reading != key.reading or not set(content.pictures) <= key.pictures.keys():
            raise InputError(f"{folder}: reader {reader} has read {content.reading}, the key is of {key.reading}")
        answers = read_answers(folder, content)
        answered[reader] = (len(answers), len(content.pictures))
        found += [(reader, answer) for answer in answers]
    if not found:
        raise InputError(f"{folder}: nobody has read anything; expected reader-N.answers.jsonl beside reader-N.json")
    excluded = _excluded(key, cases)
    out = {(patient, case) for patient, case, _ in excluded}
    rows = [
        _row(reader, answer, key.pictures[answer.picture])
        for reader, answer in found
        if _place(key.pictures[answer.picture]) not in out
    ]
    return Reading(tuple(rows), answered, excluded)


def _excluded(key: ReadingKey, cases: Mapping[tuple[str, str], str]) -> tuple[tuple[str, str, str], ...]:
    prints = {_place(picture): picture.fingerprint for picture in key.pictures.values()}
    reasons = {
        place: "read, but no case of this study has results"
        if place not in cases
        else "read, but pictures or annotations have changed since then"
        for place, fingerprint in sorted(prints.items())
        if cases.get(place) != fingerprint
    }
    return tuple((*place, reason) for place, reason in reasons.items())


def _row(reader: int, answer: Answer, picture: PictureKey) -> ReadingRow:
    error = None
    if answer.tip is not None and picture.tip is not None:
        error = round(float(np.linalg.norm(np.subtract(answer.tip, picture.tip))), 4)
    seconds = None if answer.seen_before else answer.seconds
    return ReadingRow(reader, picture, answer.tip, error, answer.confidence, seconds)


def _place(picture: PictureKey) -> tuple[str, str]:
    return picture.patient, picture.case


def readers_of(rows: Collection[ReadingRow]) -> list[int]:
    """Numbers of the readers, ascending."""
    return sorted({row.reader for row in rows})
