"""A thing has one color, wherever it is drawn."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from InstrumentTrackerLib.palette import CORE_COLOR, CORE_ON_PAPER, TARGET_COLOR, TARGET_ON_PAPER, Color, as_html


def contrast_on_white(color: Color) -> float:
    """As WCAG 2 defines it; 4.5 is asked of letters."""
    values = np.array(color)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05))


@pytest.mark.parametrize(("shown", "on_paper"), [(CORE_COLOR, CORE_ON_PAPER), (TARGET_COLOR, TARGET_ON_PAPER)])
def test_on_paper_a_color_keeps_its_hue_and_becomes_legible(shown: Color, on_paper: Color) -> None:
    assert colorsys.rgb_to_hls(*on_paper)[0] == pytest.approx(colorsys.rgb_to_hls(*shown)[0], abs=0.01)
    assert contrast_on_white(on_paper) >= 4.5


def test_a_color_is_written_as_html_rounds_it() -> None:
    assert as_html((0.0, 0.5, 1.0)) == "#0080ff"
