"""Pictures of the section Reader study: what a reader sees before, while and between readings.

With ``PANEL_PICTURES=folder`` the pictures are kept there to be looked at.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from InstrumentTrackerLib.reading.picture_file import picture_file, write_picture
from InstrumentTrackerLib.reading.reading_session import ReadingState
from InstrumentTrackerLib.scene.mrml_views import save_png
from TemporalReconLib.acquisition.image_frame import ImageFrame
from test_panels_look import cut_off, picture  # noqa: F401  (picture is a fixture)
from test_reading_section import KEY, Reader, folder, reader  # noqa: F401  (two are fixtures)
from test_recon_panel_look import dark_theme  # noqa: F401  (a fixture)

sys.path.append(str(Path(__file__).parents[1] / "core" / "study"))

from small_cases import simulated


def look(reader: Reader, picture: Any, name: str) -> None:  # noqa: F811
    picture(reader.widget, f"reading-{name}")
    assert cut_off(reader.widget) == []


def test_the_view_shows_the_picture_upright_with_a_thin_mark(reader: Reader, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    series = simulated(0)
    image = ImageFrame(series.image(0).astype(np.float32), series.ijk_to_ras)
    write_picture(picture_file(folder, "4"), image)
    reader.begin(folder)
    tip = series.truth.frames[0].guide_tip
    reader.click(tip)
    view = reader.red.sliceView()
    view.forceRender()
    pixels = view._view.pixels()
    kept = Path(os.environ.get("PANEL_PICTURES", tmp_path))
    kept.mkdir(parents=True, exist_ok=True)
    save_png(pixels, kept / "reading-view.png")
    yellow = (pixels[..., 0] > 200) & (pixels[..., 1] > 190) & (pixels[..., 2] < 110)
    assert 5 < yellow.sum() < 400, "a mark that hides little"
    assert np.percentile(pixels[..., 2], 95) > 60, "the picture is there"


def test_nothing_is_cut_off_in_any_state(reader: Reader, folder: Path, picture: Any, wait_until: Any) -> None:  # noqa: F811
    for name in ("source", "plan", "reconstruction", "run", "guidance", "display", "coreLog"):
        getattr(reader.ui, f"{name}CollapsibleButton").collapsed = True
    reader.section.setFolder(str(folder))
    wait_until(lambda: reader.ui.readingStartButton.enabled)
    look(reader, picture, "set-up")
    reader.begin(folder)
    look(reader, picture, "task")
    reader.click([5.0, -17.0, 8.0])
    look(reader, picture, "marked")
    reader.press(KEY.Key_4)
    look(reader, picture, "rated")
    reader.press(KEY.Key_P)
    look(reader, picture, "paused")
    reader.press(KEY.Key_P)
    reader.wait_for(ReadingState.READING)
    for number in range(3):
        reader.press(KEY.Key_N, KEY.Key_3, KEY.Key_Return)
        reader.wait_for(ReadingState.PAUSED if number == 2 else ReadingState.READING)
    look(reader, picture, "between-parts")


@pytest.mark.usefixtures("dark_theme")
def test_a_dark_theme(reader: Reader, folder: Path, picture: Any) -> None:  # noqa: F811
    reader.begin(folder)
    reader.press(KEY.Key_N)
    look(reader, picture, "dark")
