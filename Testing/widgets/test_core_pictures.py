"""A core is kept whether or not its picture can be taken, and the message says which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from test_log_section import Bedside, bedside  # noqa: F401


def test_a_core_with_its_picture_is_simply_marked(bedside: Any) -> None:  # noqa: F811
    image = ImageFrame(np.ones((3, 64, 64), np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))
    bedside.guidance = replace(bedside.guidance, image=image)
    bedside.press(bedside.ui.markButton)
    assert bedside.on_disk().picture(bedside.section.log.record(1)) is not None
    assert "Core 1 (left apex) marked<" in bedside.ui.markStatusLabel.text


def broken() -> bytes:
    raise RuntimeError("no OpenGL")


@pytest.mark.parametrize("capture", [lambda: None, broken])
def test_a_core_without_views_or_image_is_kept_and_the_missing_picture_is_told(
    bedside: Bedside,  # noqa: F811
    capture: Any,
) -> None:
    bedside.section._capture = capture
    bedside.guidance = replace(bedside.guidance, image=None)
    bedside.press(bedside.ui.markButton)
    (record,) = bedside.on_disk().records
    assert (record.number, record.has_measurement) == (1, True)
    assert bedside.on_disk().picture(record) is None
    assert "WITHOUT a picture" in bedside.ui.markStatusLabel.text
