"""A run of the segmenter from start to the model folder, stopped by Ctrl-C, by time, and by its last step."""

from __future__ import annotations

import argparse
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from InstrumentTrackerLib.cli import train as train_command
from InstrumentTrackerLib.networks import instrument_network
from InstrumentTrackerLib.segmentation.network_segmenter import METHOD, NetworkSegmenter
from InstrumentTrackerLib.training import example_stream, recipe, run, validation
from InstrumentTrackerLib.training.example_stream import ExampleStream, StreamConfig
from InstrumentTrackerLib.training.recipe import Recipe
from InstrumentTrackerLib.training.run import train
from InstrumentTrackerLib.training.validation import validate
from picture_samples import FewPictures, a_picture, few_pictures
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.folder_lock import alone_in
from TemporalReconLib.training.checkpoint import read_checkpoint
from TemporalReconLib.weights.bundle import open_weights
from TemporalReconLib.weights.model_card import read_card

CPU = torch.device("cpu")
RECIPE = Recipe(steps=4, batch_size=4, size=64, learning_rate=5e-3, validate_every=1_000, workers=0)


@pytest.fixture(autouse=True)
def small_and_cheap(monkeypatch):
    """Pictures without simulation, and a network of three levels."""
    for module in (example_stream, validation):
        monkeypatch.setattr(module, "RenderedPictures", FewPictures)
    monkeypatch.setattr(example_stream, "simulated_pictures", few_pictures)
    monkeypatch.setattr(validation, "random_series", lambda seed: seed)
    monkeypatch.setattr(validation, "pictures_of", lambda series, method: iter([a_picture(seed=series)] * 3))
    monkeypatch.setattr(validation, "_N_RENDERED", 6)
    network = instrument_network.InstrumentNetwork
    config = instrument_network.InstrumentNetworkConfig(widths=(8, 8, 8))
    monkeypatch.setattr(run, "InstrumentNetwork", lambda: network(config))
    monkeypatch.setitem(recipe.RECIPES, "small", RECIPE)


def trained(folder, reports=None, settings=RECIPE, seconds=float("inf"), at_step=None, weights=None, seed=0):
    def report(step):
        if reports is not None:
            reports.append(step)
        if at_step is not None:
            at_step(step.step)

    stream = StreamConfig.of(settings, seed, ())
    return train(settings, stream, folder, CPU, report, seconds, weights)


def command(*words):
    parser = argparse.ArgumentParser()
    train_command.add_parser(parser.add_subparsers())
    options = parser.parse_args(["train", *map(str, words)])
    return options.run(options)


def test_the_loss_falls_and_the_model_labels_a_picture(tmp_path):
    reports = []
    finished = trained(tmp_path, reports, replace(RECIPE, steps=40))
    losses = [report.loss for report in reports]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    picture = a_picture(seed=500)
    found = NetworkSegmenter(CPU, finished.model).segment(
        ImageFrame(picture.data, picture.ijk_to_ras, has_geometry=False)
    )
    guide = found.probabilities[0, 1]
    inside = (np.abs(np.arange(128) - 65) < 3)[None, :] & (np.arange(128) > 75)[:, None]
    assert guide[inside].mean() > guide.mean() + 0.08, "the guide comes from below"


def test_ctrl_c_finishes_the_step_and_the_same_call_goes_on(tmp_path):
    def press_ctrl_c(step):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = trained(tmp_path, at_step=press_ctrl_c)
    assert (stopped.step, stopped.is_interrupted) == (2, True)
    assert "stopped at step 2 of 4; the same command goes on" in stopped.summary
    assert not (tmp_path / "best.pt").exists(), "nobody waits for a validation"
    assert open_weights(stopped.model, METHOD).metadata["training"]["steps"] == 2
    reports = []
    finished = trained(tmp_path, reports)
    assert [report.step for report in reports] == [3, 4]
    assert (finished.step, finished.is_interrupted) == (4, False)
    assert reports[-1].validation is not None and reports[-1].best == reports[-1].validation.score


def test_time_that_is_over_ends_a_run_with_a_validated_model(tmp_path):
    reports = []
    stopped = trained(tmp_path, reports, seconds=1e-6)
    assert stopped.step == 1 and not stopped.is_interrupted
    assert reports[-1].validation is not None
    assert (tmp_path / "best.pt").exists()


def test_a_run_goes_on_only_with_its_own_settings(tmp_path):
    trained(tmp_path, seconds=1e-6)
    with pytest.raises(InputError, match="made with seed 0, now 1"):
        trained(tmp_path, seed=1)


def test_fine_tuning_begins_with_the_weights_given_and_says_so(tmp_path):
    first = trained(tmp_path / "first", seconds=1e-6)
    second = trained(tmp_path / "second", settings=replace(RECIPE, learning_rate=0.0), weights=first.model)
    before, after = (open_weights(model, METHOD).state for model in (first.model, second.model))
    name = "unet.input_block.conv1.conv.weight"
    assert torch.allclose(before[name], after[name], atol=1e-6)
    assert len(read_checkpoint(tmp_path / "second" / "newest.pt")["settings"]["started_from"]) == 64


def test_the_model_folder_tells_what_it_is(tmp_path):
    model = trained(tmp_path).model
    card = read_card(model)
    assert "# InstrumentNetwork: weights of `--segmenter network`" in card
    assert "dice guide" in card and "Research software" in card
    assert open_weights(model, METHOD).metadata["training"]["steps"] == 4


def test_the_same_seed_draws_the_same_examples_and_a_resumed_stream_others():
    streams = [ExampleStream(StreamConfig.of(RECIPE, 3, ()), resumed_at=start) for start in (0, 0, 7)]
    first, again, resumed = (next(iter(stream)).slices for stream in streams)
    assert torch.equal(first, again) and not torch.equal(first, resumed)
    assert first.shape == (4, 3, 64, 64)


class Oracle(torch.nn.Module):
    """Answers with the truth of a batch, or with nothing."""

    def __init__(self, target, knows):
        super().__init__()
        self._target, self._knows = target, knows

    def forward(self, slices):
        target = self._target * self._knows
        background = 1 - target.sum(dim=1, keepdim=True)
        return torch.log(torch.cat([background, target], dim=1).clamp_min(1e-6))


@pytest.mark.parametrize("knows", [1, 0])
def test_validation_praises_the_truth_and_blames_silence(knows):
    batch = next(iter(ExampleStream(StreamConfig.of(replace(RECIPE, batch_size=12), 4, ()))))
    found = validate(Oracle(batch.target, knows), [batch], CPU)
    if knows:
        assert found.dice_guide == 1 and found.dice_needle == 1
        assert found.guide_tip_mm < 1.3 and found.needle_tip_mm < 1.0, "zoomed crops shift the ends a little"
    else:
        assert found.dice_guide == 0 and found.guide_tip_mm == 15
    assert found.false_alarms == 0


def test_an_instrument_seen_where_there_is_none_is_a_false_alarm():
    pictures = [a_picture(present=False)]
    example = example_stream.random_example(np.random.default_rng(0), pictures[0], 64)
    batch = example_stream.stacked([example])
    everywhere = torch.zeros(1, 2, 64, 64)
    everywhere[:, 0, 20:40, 20:40] = 1
    assert validate(Oracle(everywhere, 1), [batch], CPU).false_alarms == 1


def test_the_command_trains_and_goes_on(tmp_path, capsys):
    assert command("--output", tmp_path / "run", "--steps", 2, "--device", "cpu") == 0
    assert "trained 2 steps; model: " in capsys.readouterr().out
    assert command("--output", tmp_path / "run", "--steps", 2, "--device", "cpu") == 0


def test_two_runs_never_write_into_one_folder(tmp_path):
    with alone_in(tmp_path / "run", "train"), pytest.raises(InputError, match="another 'train' is working in it"):
        command("--output", tmp_path / "run", "--steps", 2, "--device", "cpu")


REFUSALS = {
    "no steps": (("--steps", "0"), "--steps 0"),
    "negative time": (("--minutes", "-1"), "--minutes -1"),
    "no such background": (("--backgrounds", "missing.nrrd"), "missing.nrrd"),
    "no such device": (("--device", "abacus"), "abacus"),
    "no such weights": (("--weights", "missing"), "missing"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_wrong_options_are_refused(tmp_path, case):
    words, named = REFUSALS[case]
    with pytest.raises(InputError, match=named):
        command("--output", tmp_path / "run", *words)


def test_a_file_as_output_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file of that name"):
        command("--output", tmp_path / "file")
