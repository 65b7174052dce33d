"""What the display says: a number only while it is true."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from guidance_case import guidance_case
from InstrumentTrackerLib.notice import NOTICE
from InstrumentTrackerLib.scene.mrml_readout import readout_of
from InstrumentTrackerLib.scene.mrml_style import STATUS_STYLES, VERDICT_STYLES, DisplayStatus
from InstrumentTrackerLib.targeting.assessment import Assessment, CoreVerdict
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.tracking.motion import Motion
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState


def test_a_tracked_needle_shows_all_numbers_and_names_its_tip():
    case = guidance_case()
    readout = readout_of(case.tracked, case.assessment, 0.12, 1.0, image=case.image)
    assert readout.status is DisplayStatus.TRACKED
    assert readout.headline == f"{case.assessment.distance_mm:.1f} mm"
    assert readout.headline_label == "Needle tip to target"
    text = readout.text()
    assert f"Sideways miss: {case.assessment.lateral_mm:.1f} mm" in text
    assert "Depth remaining: " in text
    assert "Picture age: 0.12 s" in text
    assert NOTICE in text


def test_without_a_needle_the_distance_is_said_to_be_from_the_guide_tip():
    case = guidance_case()
    guide_only = TrackedPose(TrackingState.TRACKED, case.tracked.guide_tip, None, case.tracked.axis, 0.8)
    assert readout_of(guide_only, case.assessment, 0.1, 1.0).headline_label == "Guide tip to target"


def test_a_needle_beyond_the_target_is_said_to_be_past_it():
    case = guidance_case()
    past = Target(case.tracked.tip - 5.0 * case.tracked.axis)
    text = readout_of(case.tracked, Assessment.of(case.tracked, past, BiopsyNeedle()), 0.1, 1.0).text()
    assert "Past the target by: 5.0 mm" in text


def test_predicted_numbers_are_marked_as_approximate():
    case = guidance_case(state=TrackingState.PREDICTED)
    readout = readout_of(case.tracked, case.assessment, 0.1, 1.0)
    assert readout.headline.startswith("~")
    assert "not measured" in readout.text()


@pytest.mark.parametrize(
    ("state", "word"), [(TrackingState.LOST, "LOST"), (TrackingState.ABSENT, "NOT VISIBLE")], ids=["lost", "absent"]
)
def test_without_an_instrument_there_is_no_millimeter_in_the_text(state, word):
    case = guidance_case(state=state)
    text = readout_of(case.tracked, case.assessment, 0.1, 1.0, image=case.image).text()
    assert text.startswith(word)
    assert "mm" not in text
    assert re.findall(r"[0-9.]+", text.replace("Picture age: 0.10 s", "")) == []


@pytest.mark.parametrize("age_s", [1.01, 90.0, math.nan])
def test_an_old_or_undated_picture_outranks_a_tracked_needle(age_s):
    case = guidance_case()
    readout = readout_of(case.tracked, case.assessment, age_s, 1.0, image=case.image)
    assert readout.status is DisplayStatus.STALE
    assert "mm" not in readout.text()


def test_before_the_first_picture_the_display_says_so():
    readout = readout_of(None, None, None, 1.0)
    assert readout.status is DisplayStatus.NO_PICTURE
    assert "age" not in readout.text()


def test_missing_geometry_is_not_overlooked():
    case = guidance_case()
    image = replace(case.image, has_geometry=False)
    assert "NO GEOMETRY" in readout_of(case.tracked, case.assessment, 0.1, 1.0, image=image).text()


def test_no_two_states_that_matter_share_color_and_badge():
    idle = (DisplayStatus.NO_PICTURE, DisplayStatus.NO_GUIDANCE)
    looks = [(style.color, style.badge) for status, style in STATUS_STYLES.items() if status not in idle]
    assert len(set(looks)) == len(looks)
    numbers = {STATUS_STYLES[s].color for s in DisplayStatus if s.has_numbers}
    none = {STATUS_STYLES[s].color for s in DisplayStatus if not s.has_numbers}
    assert not numbers & none


def assessed(case, **changes):
    """The case's readout with some attributes of its pose changed."""
    tracked = replace(case.tracked, **changes)
    assessment = Assessment.of(tracked, case.assessment.target, BiopsyNeedle())
    return readout_of(tracked, assessment, 0.1, 1.0, image=case.image)


def test_distances_in_the_known_directions_are_said_to_be_the_least():
    case = guidance_case()
    normal = case.image.ijk_to_ras[:3, 2] / np.linalg.norm(case.image.ijk_to_ras[:3, 2])
    readout = assessed(case, tip_covariance=case.tracked.tip_covariance + 1e6 * np.outer(normal, normal))
    assert readout.headline.startswith(">")
    assert dict(readout.figures)["Sideways miss"].startswith(">")
    assert readout.notes == ("Through-plane position NOT KNOWN: distances are at least these",)


def test_without_a_known_depth_nothing_is_said_of_how_far_to_advance():
    case = guidance_case()
    axis = case.tracked.axis
    readout = assessed(case, tip_covariance=np.eye(3) + 1e6 * np.outer(axis, axis))
    assert set(dict(readout.figures)) == {"Sideways miss", "Angle"}
    assert "Depth of the tip NOT KNOWN" in readout.notes[0]


def test_a_fired_needle_is_judged_and_not_told_to_advance():
    readout = assessed(guidance_case(), has_fired=True)
    assert readout.event == "FIRED"
    assert readout.verdict_text == "CORE MISSED"
    assert "center" not in " ".join(dict(readout.figures))
    assert "FIRED" in readout.text()
    assert assessed(guidance_case(), motion=Motion.FIRING).event == "FIRING"


def test_a_correction_is_always_shown_with_its_size():
    readout = assessed(guidance_case(), artifact_correction_mm=4.2)
    assert "Artifact correction 4.2 mm" in readout.text()


def test_a_missing_target_is_named_and_no_distance_is_shown():
    case = guidance_case()
    readout = readout_of(case.tracked, case.assessment, 0.1, 1.0, "deleted", case.image)
    assert (readout.headline, readout.figures, readout.verdict) == ("", (), None)
    assert readout.warning == "TARGET DELETED: no distances"


def test_every_verdict_has_its_own_word_color_and_shape():
    assert set(VERDICT_STYLES) == set(CoreVerdict)
    assert len({style.color for style in VERDICT_STYLES.values()}) == len(CoreVerdict)
    assert len({style.badge for style in VERDICT_STYLES.values()}) == len(CoreVerdict)
