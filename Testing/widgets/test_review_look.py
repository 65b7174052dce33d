"""The section Review after three cores, beside the views: what a planner compares.

With ``PANEL_PICTURES=folder`` the picture is kept there to be looked at.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from case_engine import CaseEngine
from test_tracker_panel_look import Look, engine, fold, joined, label_pixels, look  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def cases(tmp_path: Path) -> Path:
    """Where the panel keeps its cases."""
    from InstrumentTrackerLib.module.mrml_log_section import FOLDER_SETTING

    slicer.app.userSettings().setValue(FOLDER_SETTING, str(tmp_path / "cases"))
    return tmp_path / "cases"


def test_three_cores_are_compared_with_their_target(
    joined: Any,  # noqa: F811
    engine: CaseEngine,  # noqa: F811
    look: Look,  # noqa: F811
    cases: Path,
    wait_until: Any,
) -> None:
    from InstrumentTrackerLib.module.mrml_log_section import SAME_PRESS_S

    ui = joined.ui
    target = slicer.util.arrayFromMarkupsControlPoints(ui.targetSelector.currentNode())[0]
    for number, advance_mm in enumerate((4.0, 10.0, 14.0), 1):
        engine.show(advance_mm=advance_mm, has_fired=True)
        expected = f"{np.linalg.norm(target - engine.case.tracked.needle_tip):.1f} mm"
        wait_until(lambda text=expected: text in ui.distanceLabel.text and ui.markButton.enabled)
        ui.markButton.click()
        wait_until(lambda rows=number: ui.coreTable.rowCount == rows)
        pressed = time.monotonic()
        wait_until(lambda at=pressed: time.monotonic() - at > SAME_PRESS_S)
    ui.stopButton.click()
    wait_until(lambda: "Stopped" in ui.stateLabel.text)
    fold(joined, "source", "plan", "reconstruction", "run", "guidance", "display", "coreLog")
    ui.reviewCollapsibleButton.collapsed = False
    joined.reviewSection.addCases(str(next(cases.iterdir())))
    wait_until(lambda: ui.reviewCoreTable.rowCount == 3)
    ui.reviewCoreTable.selectRow(1)
    pixels = look("review")
    scheme = label_pixels(joined, pixels, ui.reviewSchemeLabel).astype(int)
    assert ((scheme[..., 0] - scheme[..., 2]) > 100).sum() > 50, "the core, orange"
    assert ((scheme[..., 0] - scheme[..., 1]) > 50).sum() > 50, "the lesion, purple"
