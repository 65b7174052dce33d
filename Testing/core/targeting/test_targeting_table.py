"""The table of targets against a scene whose numbers are plain."""

from __future__ import annotations

import csv

import numpy as np
from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import Target
from InstrumentTrackerLib.targeting.targeting_table import write_targeting
from InstrumentTrackerLib.targeting.targets import Targets
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose, TrackingState


def test_every_target_has_a_row_per_frame_and_nothing_is_stated_of_a_lost_needle(tmp_path):
    targets = Targets((Target([3.0, 4.0, 12.0], name="aside"), Target([0.0, 1.0, 30.0], name="ahead")))
    tracked = TrackedPose(TrackingState.TRACKED, None, [0, 0, 0], [0, 0, 1], 0.9, 0.5 * np.eye(3), 7, 1.5)
    lost = TrackedPose(TrackingState.LOST, index=8, time_s=1.7)
    write_targeting(tmp_path / "targets.csv", [tracked, lost], targets, BiopsyNeedle(22.0, 18.0, 4.0))
    with (tmp_path / "targets.csv").open(encoding="utf-8") as file:
        aside, ahead, *gone = csv.DictReader(file)
    assert (aside["frame"], aside["target"], ahead["target"]) == ("7", "aside", "ahead")
    assert (aside["nearest_reachable"], ahead["nearest_reachable"]) == ("0", "1")
    assert (float(aside["distance_mm"]), float(aside["lateral_mm"]), float(aside["depth_mm"])) == (13.0, 5.0, 12.0)
    assert (float(aside["core_miss_mm"]), aside["would_sample"], float(aside["advance_mm"])) == (5.0, "0", 3.0)
    assert float(ahead["advance_mm"]) == 21.0 and float(ahead["core_miss_mm"]) == round(np.hypot(1, 12), 3)
    assert float(ahead["probability_after_advance"]) > 0.95 > 0.01 > float(ahead["probability"])
    assert aside["artifact_correction_mm"] == ""
    assert [row["target"] for row in gone] == ["aside", "ahead"]
    assert all(
        not value for row in gone for key, value in row.items() if key not in ("frame", "time_s", "state", "target")
    )
