"""A run from start to the model folder, stopped by Ctrl-C, by time, and by its last step."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.cli import reconstruct, simulate
from TemporalReconLib.cli import train as train_command
from TemporalReconLib.errors import InputError
from TemporalReconLib.folder_lock import alone_in
from TemporalReconLib.training import training_log, validation
from TemporalReconLib.training.checkpoint import read_checkpoint
from TemporalReconLib.training.processes import Process
from TemporalReconLib.training.run import train
from TemporalReconLib.training.trainer import StepReport
from TemporalReconLib.weights.bundle import open_weights
from training_runs import RECIPE, a_stream

CPU = Process(torch.device("cpu"))


@pytest.fixture(autouse=True)
def one_series_held_out(monkeypatch):
    """Validation on six takes longer than all the rest."""
    monkeypatch.setattr(validation, "_N_SERIES", 1)


def run(folder, reports=None, recipe=RECIPE, seconds=float("inf"), at_step=None, weights=None, **changes):
    """Train in a folder; ``at_step`` is called with each step's number."""

    def report(step: StepReport) -> None:
        if reports is not None:
            reports.append(step)
        if at_step is not None:
            at_step(step.step)

    stream = a_stream(recipe, **changes)
    return train("temporal", recipe, stream, folder, CPU, report, seconds, lambda done, n: None, weights)


def command(*words):
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    for module in (simulate, reconstruct, train_command):
        module.add_parser(subparsers)
    options = parser.parse_args(list(map(str, words)))
    return options.run(options)


def test_ctrl_c_finishes_the_step_and_the_same_call_goes_on(tmp_path):
    before = signal.getsignal(signal.SIGINT)

    def press_ctrl_c(step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = run(tmp_path, at_step=press_ctrl_c)
    assert (stopped.step, stopped.is_interrupted) == (2, True)
    assert "stopped at step 2 of 6; the same command goes on" in stopped.summary
    assert read_checkpoint(tmp_path / "newest.pt")["progress"]["step"] == 2
    assert not (tmp_path / "best.pt").exists(), "nobody waits for a validation"
    assert open_weights(stopped.model, "temporal").metadata["training"]["steps"] == 2
    assert signal.getsignal(signal.SIGINT) is before
    reports = []
    finished = run(tmp_path, reports)
    assert [report.step for report in reports] == [3, 4, 5, 6]
    assert (finished.step, finished.is_interrupted) == (6, False)
    assert reports[-1].validation is not None and reports[-1].best == reports[-1].validation.psnr_tip


def test_the_end_of_a_batch_job_spares_who_makes_examples_until_the_step_is_done(tmp_path):
    """SLURM sends SIGTERM to all processes of a job at once."""

    def end_job(step):
        if step == 2:
            # Not from here: torch's own handler obeys its parent, as when all is done.
            subprocess.run(["kill", *(str(child.pid) for child in multiprocessing.active_children())], check=True)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGTERM)

    stopped = run(tmp_path, at_step=end_job, recipe=replace(RECIPE, workers=1))
    assert (stopped.step, stopped.is_interrupted) == (2, True)
    assert open_weights(stopped.model, "temporal").metadata["training"]["steps"] == 2
    assert not multiprocessing.active_children()


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    def press_twice(step):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, at_step=press_twice)
    assert not (tmp_path / "newest.pt").exists()


def test_the_end_of_the_time_is_validated_and_the_schedule_stays(tmp_path):
    reports = []
    stopped = run(tmp_path, reports, seconds=1e-3)
    assert (stopped.step, stopped.is_interrupted) == (1, False)
    assert reports[0].seconds_left == 0.0 and reports[0].validation is not None
    assert read_checkpoint(tmp_path / "best.pt")["settings"]["steps"] == 6
    with pytest.raises(InputError, match="nothing was trained here yet"):
        run(tmp_path / "other", seconds=0.0)


def test_the_model_of_a_run_reconstructs(tmp_path):
    trained = run(tmp_path / "run", recipe=replace(RECIPE, steps=2))
    assert trained.model == tmp_path / "run" / "model" and "trained 2 steps" in trained.summary
    case, images = tmp_path / "case.h5", tmp_path / "out.seq.nrrd"
    command("simulate", "--output", case, "--matrix", 32, "--slices", 1, "--frames", 2, "--coils", 2)
    command("reconstruct", case, "--output", images, "--method", "temporal", "--weights", trained.model)
    assert len(open_series(images)) == 2


def test_a_run_that_begins_with_weights_goes_on_from_them_and_says_so(tmp_path):
    first = run(tmp_path / "first")
    still = replace(RECIPE, steps=1, learning_rate=0.0)
    tuned = run(tmp_path / "tuned", recipe=still, weights=first.model)
    before, after = (open_weights(model, "temporal").state for model in (first.model, tuned.model))
    assert all(torch.equal(before[name], after[name]) for name in before)
    training = open_weights(tuned.model, "temporal").metadata["training"]
    assert training["settings"]["started_from"] == open_weights(first.model, "temporal").metadata["sha256"]
    with pytest.raises(InputError, match="started_from"):
        run(tmp_path / "tuned", recipe=still)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--steps", "0"), "--steps 0"),
        (("--minutes", "-1"), "--minutes -1"),
        (("--minutes", "nan"), "--minutes nan"),
        (("--backgrounds", "nowhere.nii.gz"), "nowhere.nii.gz"),
        (("--data", "nowhere"), "--data nowhere"),
        (("--weights", "nowhere"), "weights nowhere"),
        (("--device", "tpu"), "unknown device 'tpu'"),
    ],
)
def test_bad_requests_are_one_line_and_leave_nothing(tmp_path, words, message):
    with pytest.raises(InputError, match=message) as caught:
        command("train", "--output", tmp_path / "run", *words)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_two_runs_never_write_into_one_folder(tmp_path):
    with alone_in(tmp_path / "run", "train"), pytest.raises(InputError, match="another 'train' is working in it"):
        run(tmp_path / "run")
    run(tmp_path / "run")


def test_a_file_is_no_output_folder(tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(InputError, match="give the name of a folder"):
        command("train", "--output", tmp_path / "run")


def test_without_tensorboard_the_way_out_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"pip install tensorboard"):
        training_log.open_log(tmp_path, 0)
