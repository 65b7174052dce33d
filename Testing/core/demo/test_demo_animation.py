"""The demo's animation plays at its own pace and says below every picture what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from InstrumentTrackerLib.demo.pictures import ANIMATION_WIDTH, LAST_PICTURE_S, write_animation
from InstrumentTrackerLib.palette import (
    GUIDE_COLOR,
    NEEDLE_COLOR,
    PLAN_COLOR,
    PROJECTION_COLOR,
    TARGET_COLOR,
    Color,
    as_bytes,
)
from PIL import Image

HEIGHT = 540


def pictures() -> list[np.ndarray]:
    return [np.full((2 * HEIGHT, 2 * ANIMATION_WIDTH, 3), level, np.uint8) for level in (60, 120, 180)]


def frames_of(path: Path) -> list[np.ndarray]:
    with Image.open(path) as animation:
        found = []
        for number in range(animation.n_frames):
            animation.seek(number)
            found.append(np.asarray(animation.convert("L")))
        return found


def test_every_picture_is_shown_as_long_as_it_was_there(tmp_path: Path) -> None:
    path = tmp_path / "biopsy.gif"
    write_animation(path, pictures(), [10.0, 10.5, 11.8])
    with Image.open(path) as animation:
        assert (animation.size, animation.n_frames) == ((ANIMATION_WIDTH, HEIGHT), 3)
        durations = []
        for number in range(3):
            animation.seek(number)
            durations.append(animation.info["duration"])
    assert durations == [500, 1300, 1000 * LAST_PICTURE_S]
    assert [frame.mean() for frame in frames_of(path)] == [60, 120, 180]


@pytest.mark.parametrize("color", [TARGET_COLOR, NEEDLE_COLOR, GUIDE_COLOR, PLAN_COLOR, PROJECTION_COLOR])
def test_what_is_drawn_keeps_its_color(tmp_path: Path, color: Color) -> None:
    picture = np.full((2 * HEIGHT, 2 * ANIMATION_WIDTH, 3), 100, np.uint8)
    picture[100:140, 100:140] = as_bytes(color)
    write_animation(tmp_path / "biopsy.gif", [picture, picture], [0.0, 1.0])
    with Image.open(tmp_path / "biopsy.gif") as animation:
        assert animation.convert("RGB").getpixel((60, 60)) == as_bytes(color)


def test_a_note_stands_below_every_picture_and_hides_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "biopsy.gif"
    write_animation(path, pictures(), [0.0, 1.0, 2.0], "SIMULATED biopsy, R = 16")
    for frame, level in zip(frames_of(path), (60, 120, 180), strict=True):
        assert (frame[:HEIGHT] == level).all()
        strip = frame[HEIGHT:]
        assert (strip < 20).mean() > 0.7
        assert (strip > 235).sum() > 300, "the words can be read"
        columns = np.flatnonzero((strip > 128).any(axis=0))
        assert abs(columns.mean() - ANIMATION_WIDTH / 2) < 10
