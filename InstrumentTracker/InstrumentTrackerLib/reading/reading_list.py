"""What a reader is to read: pictures by number, in the reader's own order, and nothing of what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

FORMAT = 1
PICTURES_FOLDER = "pictures"
POINTS = ("guide", "needle")
_MAX_BYTES = 2**24
_LIST_NAME = re.compile(r"reader-([1-9]\d{0,3})\.json")
_PICTURE_NAME = re.compile(r"\d{1,6}")


@dataclass(frozen=True)
class ReadingList:
    """The pictures of one reader.

    Attributes
    ----------
    reading
        Which reading this is part of: the same in all lists, in the key and in the answers.
    reader
        Number from 1; never a name.
    point
        What is to be marked: ``guide`` or ``needle``.
    parts
        Numbers of pictures as text; between parts the reader rests.
    """

    reading: str
    reader: int
    point: str
    parts: tuple[tuple[str, ...], ...]

    @property
    def pictures(self) -> tuple[str, ...]:
        """All in order."""
        return tuple(picture for part in self.parts for picture in part)

    @property
    def part_starts(self) -> tuple[int, ...]:
        """Positions, from 0, of the first picture of each part."""
        return tuple(sum(map(len, self.parts[:number])) for number in range(len(self.parts)))


def list_file(folder: Path, reader: int) -> Path:
    return folder / f"reader-{reader}.json"


def readers_in(folder: Path) -> list[int]:
    """Numbers of the readers whose lists lie in a folder, ascending.

    Raises
    ------
    InputError
        If the folder cannot be read, or is not the folder of a reading.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror or error})") from error
    found = sorted(int(match[1]) for name in names if (match := _LIST_NAME.fullmatch(name)))
    if not found:
        raise InputError(f"{folder}: no reading in it; expected reader-1.json as 'reading-list' writes it")
    return found


def write_list(folder: Path, content: ReadingList) -> None:
    """Write ``reader-N.json``; raises InputError if that fails."""
    text = json.dumps(
        {
            "format": FORMAT,
            "reading": content.reading,
            "reader": content.reader,
            "point": content.point,
            "parts": content.parts,
        }
    )
    with written_atomically(list_file(folder, content.reader)) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_list(folder: Path, reader: int) -> ReadingList:
    """Read and check ``reader-N.json``.

    Raises
    ------
    InputError
        Names the file and what is wrong with it.
    """
    path = list_file(folder, reader)
    content = read_object(path)
    try:
        found = ReadingList(
            str(content["reading"]),
            int(content["reader"]),
            str(content["point"]),
            tuple(tuple(map(str, part)) for part in content["parts"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no list of a reader ({error!r})") from error
    pictures = found.pictures
    if found.reader != reader or found.point not in POINTS:
        raise InputError(f"{path}: field 'reader' or 'point' is wrong; was the file renamed or edited?")
    if not pictures or len(set(pictures)) < len(pictures) or not all(map(_PICTURE_NAME.fullmatch, pictures)):
        raise InputError(f"{path}: field 'parts': expected numbers of pictures, each once")
    return found


def read_object(path: Path) -> Mapping[str, Any]:
    """A JSON object of our format.

    Raises
    ------
    InputError
        If the file cannot be read, is too large, or is of another format.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than {_MAX_BYTES // 2**20} MB, expected a list of pictures")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not JSON; was the file edited?") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path}: field 'format': expected {FORMAT}; was it written by a newer version?")
    return content
