"""The model folder of a run: the best average, every source named, no patient named."""

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.training.checkpoint import Checkpoint, CheckpointFolder
from TemporalReconLib.training.example_stream import StreamConfig
from TemporalReconLib.training.methods import TRAINABLE_METHODS, make_unroll, recipe_for
from TemporalReconLib.training.trained_model import write_model
from TemporalReconLib.weights.bundle import open_weights
from TemporalReconLib.weights.model_card import read_card
from torch.optim.swa_utils import AveragedModel


def write_run(folder: Path, method: str, backgrounds: tuple[str, ...] = (), recordings: tuple[str, ...] = ()):
    """A run with a best and a newest checkpoint of different weights; returns the average of the best one."""
    recipe = recipe_for(method, "small")
    files = [tuple(map(Path, names)) for names in (backgrounds, recordings)]
    settings = {**asdict(recipe), **StreamConfig.of(recipe, 7, *files).as_settings()}
    torch.manual_seed(0)
    unroll = make_unroll(method)
    checkpoints = CheckpointFolder(folder, unroll.made_for, settings)
    optimizer = torch.optim.AdamW(unroll.network.parameters())
    best = AveragedModel(unroll.network)
    checkpoints.write(Checkpoint(200, 61.0, "CPU", 30.5, 28.25), unroll.network, best, optimizer, best=True)
    newest = AveragedModel(make_unroll(method).network)
    checkpoints.write(Checkpoint(300, 90.0, "CPU", 30.5, 28.25), newest.module, newest, optimizer)
    return best.module


@pytest.mark.parametrize("method", TRAINABLE_METHODS)
def test_it_holds_the_average_of_the_best_checkpoint_and_its_figures(tmp_path, method):
    best = write_run(tmp_path, method)
    weights = open_weights(write_model(tmp_path), method)
    for name, tensor in best.state_dict().items():
        assert torch.equal(weights.state[name], tensor), name
    training = weights.metadata["training"]
    assert (training["steps"], training["seconds"], training["device"]) == (200, 61, "CPU")
    assert training["settings"]["seed"] == 7
    (figures,) = weights.metadata["figures"].values()
    assert figures == {"PSNR (dB)": 30.5, "PSNR near the tip (dB)": 28.25}
    assert make_reconstructor(method, "cpu", tmp_path / "model").info.name == method


def test_without_a_validation_it_is_the_newest_and_has_no_figures(tmp_path):
    write_run(tmp_path, "temporal")
    (tmp_path / "best.pt").unlink()
    content = torch.load(tmp_path / "newest.pt", weights_only=True)
    content["progress"] |= {"psnr": float("-inf"), "psnr_tip": float("-inf")}
    torch.save(content, tmp_path / "newest.pt")
    weights = open_weights(write_model(tmp_path), "temporal")
    assert weights.metadata["training"]["steps"] == 300 and weights.metadata["figures"] == {}


def test_public_volumes_are_cited_and_those_of_others_only_counted(tmp_path):
    backgrounds = ("in/ProstateX-0000_4_t2tsetra.nii.gz", "in/doe_jane.nii.gz", "in/roe_richard.mha")
    write_run(tmp_path, "temporal", backgrounds, ("in/doe_john.h5",))
    write_model(tmp_path)
    card = read_card(tmp_path / "model")
    assert "Litjens G" in card and "ProstateX-0000_4_t2tsetra.nii.gz" in card
    assert "behind the simulated instrument: 2." in card and "half of the examples: 1." in card
    text = card + (tmp_path / "model" / "configs" / "metadata.json").read_text("utf-8")
    assert "doe" not in text and "roe_" not in text


def test_simulation_alone_cites_no_patients(tmp_path):
    write_run(tmp_path, "bcrnn")
    write_model(tmp_path)
    card = read_card(tmp_path / "model")
    assert "PROSTATEx" not in card and "No interventional patient data" in card and "Noordman" in card


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing was trained here yet"):
        write_model(tmp_path)
