"""A run that was stopped goes on as if it had not been, and only as the same run."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from TemporalReconLib.errors import InputError
from TemporalReconLib.training.checkpoint import read_checkpoint
from TemporalReconLib.weights.bundle import open_weights
from training_runs import RECIPE, a_trainer, run_until


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run stopped after step 3 of 6: its folder and its trainer."""
    folder = tmp_path_factory.mktemp("run")
    trainer = a_trainer(folder)
    run_until(trainer, 3)
    return folder, trainer


def newest(folder):
    return read_checkpoint(folder / "newest.pt")


def assert_same(first, second, name=""):
    """Nested dicts and lists of tensors and numbers, bit by bit."""
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), name
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), name
        for key in first:
            assert_same(first[key], second[key], f"{name}.{key}")
    elif isinstance(first, list):
        assert len(first) == len(second), name
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            assert_same(one, other, f"{name}[{number}]")
    else:
        assert first == second, name


def test_parameters_average_and_optimizer_come_back_bit_by_bit(stopped, tmp_path):
    folder, trainer = stopped
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    resumed = a_trainer(copy)
    assert resumed.checkpoint == trainer.checkpoint and resumed.checkpoint.step == 3
    assert_same(dict(trainer.network.state_dict()), dict(resumed.network.state_dict()))
    (copy / "newest.pt").unlink()
    resumed.run(lambda report: None, lambda: True)  # stops at once and writes what it has
    assert_same(newest(folder), newest(copy))


def test_the_schedule_goes_on(stopped, tmp_path):
    """Linear warm-up over 200 steps, times a half cosine over the 6 steps of the recipe."""
    copy = Path(shutil.copytree(stopped[0], tmp_path / "copy"))
    resumed = a_trainer(copy)
    assert [report.step for report in run_until(resumed, 5)] == [4, 5]
    optimizer = newest(copy)["optimizer"]
    expected = RECIPE.learning_rate * 5 / 200 * 0.5 * (1 + math.cos(math.pi * 4 / 6))
    assert optimizer["param_groups"][0]["lr"] == pytest.approx(expected, rel=1e-12)
    assert {float(state["step"]) for state in optimizer["state"].values()} == {5.0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": replace(RECIPE, steps=7)}, "made with steps 6, now 7"),
        ({"recipe": replace(RECIPE, learning_rate=1e-3)}, "learning_rate 0.01, now 0.001"),
        ({"seed": 4}, "seed 0, now 4"),
        ({"backgrounds": (Path("anatomy.nii.gz"),)}, r"backgrounds \[\], now \['anatomy.nii.gz'\]"),
        ({"method": "nontemporal"}, "method temporal, now nontemporal"),
    ],
)
def test_a_run_goes_on_only_with_its_own_settings(stopped, changes, message):
    with pytest.raises(InputError, match=f"{message}; repeat its options.*another --output"):
        a_trainer(stopped[0], **changes)


def test_the_number_of_workers_may_change(stopped):
    assert a_trainer(stopped[0], recipe=replace(RECIPE, workers=2)).checkpoint.step == 3


@pytest.mark.parametrize("content", [b"", b"nonsense", {"weights": torch.zeros(2)}])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "newest.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(InputError, match=r"newest\.pt .*choose another --output folder"):
        a_trainer(tmp_path)


def test_the_folder_of_a_run_is_taken_as_weights(stopped):
    """Before the first validation by its newest checkpoint: the averaged network."""
    folder, trainer = stopped
    weights = open_weights(folder, "temporal")
    assert weights.source == folder / "newest.pt"
    assert weights.network == "TemporalNetwork"
    assert_same(dict(trainer.averaged.state_dict()), weights.state)
    with pytest.raises(InputError, match="made for method 'temporal'"):
        open_weights(folder, "bcrnn")
