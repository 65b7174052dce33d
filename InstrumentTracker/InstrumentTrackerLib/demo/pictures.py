"""What the run looked like: stills, an animation and a scene file, through Slicer's own views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from TemporalReconLib.acquisition.output_file import written_atomically

from InstrumentTrackerLib.demo.live_run import ShownFrame
from InstrumentTrackerLib.palette import BLUISH_GREEN, ORANGE, PURPLE, SKY_BLUE, VERMILLION, WHITE, YELLOW, as_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

ANIMATION_WIDTH = 720
NOTE_HEIGHT, NOTE_FONT = 28, 16  # pixels
LAST_PICTURE_S = 2.0
# Of each color in an animation, which has 256 in all.
N_SHADES = 30


def moments(shown: Sequence[ShownFrame]) -> list[int]:
    """Positions of frames worth a still: the first and last with numbers, two between, and one without numbers."""
    with_numbers = [position for position, frame in enumerate(shown) if frame.tracked.state.has_numbers]
    without = [position for position, frame in enumerate(shown) if not frame.tracked.state.has_numbers]
    chosen = (
        {with_numbers[round(part * (len(with_numbers) - 1))] for part in (0, 1 / 3, 2 / 3, 1)}
        if with_numbers
        else set()
    )
    return sorted(chosen | set(without[:1]))


def write_animation(path: Path, pictures: Sequence[np.ndarray], times_s: Sequence[float], note: str = "") -> None:
    """Write pictures as a looping GIF at the pace at which they were shown.

    Parameters
    ----------
    pictures
        RGB, uint8 (row, col, 3).
    times_s
        When each was shown, s.
    note
        Stands in a strip below every picture: it goes where the file goes.
    """
    from PIL import Image

    images, colors = [], _animation_colors()
    for picture in pictures:
        height = round(picture.shape[0] * ANIMATION_WIDTH / picture.shape[1])
        image = Image.fromarray(picture).resize((ANIMATION_WIDTH, height), Image.Resampling.LANCZOS)
        image = _with_note(image, note) if note else image
        images.append(image.quantize(palette=colors, dither=Image.Dither.NONE))
    durations_s = [*np.diff(times_s), LAST_PICTURE_S]
    with written_atomically(path) as temporary:
        images[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=[max(20, round(1e3 * duration)) for duration in durations_s],
            loop=0,
        )


def _animation_colors() -> Image:
    """Palette of an animation: grays for MR pictures, and what is drawn over them in its own colors, down to black.

    Chosen from each picture, they would be nearly all gray, and a target would look white.
    """
    from PIL import Image

    grays = [(level, level, level) for level in range(0, 256, 4)] + [as_bytes(WHITE)]
    drawn = (SKY_BLUE, ORANGE, YELLOW, BLUISH_GREEN, VERMILLION, PURPLE)
    shades = np.linspace(1.0, 0.0, N_SHADES, endpoint=False)
    colors = [as_bytes((shade * red, shade * green, shade * blue)) for red, green, blue in drawn for shade in shades]
    holder = Image.new("P", (1, 1))
    holder.putpalette([value for color in grays + colors for value in color])
    return holder


def _with_note(image: Image, note: str) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    noted = Image.new("RGB", (image.width, image.height + NOTE_HEIGHT), "black")
    noted.paste(image, (0, 0))
    place = (image.width / 2, image.height + NOTE_HEIGHT / 2)
    ImageDraw.Draw(noted).text(place, note, fill="white", font=ImageFont.load_default(NOTE_FONT), anchor="mm")
    return noted
