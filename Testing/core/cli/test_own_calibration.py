"""A network of one's own: its calibration is looked for beside it, left there, and missed aloud."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from InstrumentTrackerLib.__main__ import main
from InstrumentTrackerLib.cli.guidance_options import add_tracking_options, tracking_pipeline
from InstrumentTrackerLib.evaluation import localizer_calibration
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.segmentation.registry import calibration_file
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig
from TemporalReconLib.weights.bundle import default_weights


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Our own network, as if somebody had trained it."""
    return shutil.copytree(default_weights("instrument"), tmp_path / "model")


def confidence_with(model: Path) -> float:
    parser = argparse.ArgumentParser()
    add_tracking_options(parser)
    parser.set_defaults(device="cpu")
    pipeline = tracking_pipeline(parser.parse_args(["--segmenter-weights", str(model)]), None)
    series = simulate_series(SimulationConfig(frames=20, n_slices=1, seed=9102, planning=False, coils=1))
    return pipeline.push(ImageFrame(series.image(14), series.ijk_to_ras, 0)).pose.certainty_of_guide


def test_without_a_calibration_of_its_own_that_is_said_and_with_one_it_decides(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    borrowed = confidence_with(model)
    assert "was not calibrated" in capsys.readouterr().err
    shipped = Calibration.read()
    replace(shipped, guide=replace(shipped.guide, bias=shipped.guide.bias - 8.0)).write(calibration_file(model))
    assert borrowed > 0.5 and confidence_with(model) < 0.1
    assert capsys.readouterr().err == ""


def test_calibrate_leaves_its_file_beside_the_network(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it fits is tested with the fit; series are not simulated here."""
    fitted = replace(Calibration.read(), provenance="fitted anew")
    monkeypatch.setattr(localizer_calibration, "calibrated", lambda *_: fitted)
    assert main(["calibrate", "--segmenter-weights", str(model), "--device", "cpu"]) == 0
    assert Calibration.of_model(model) == fitted
