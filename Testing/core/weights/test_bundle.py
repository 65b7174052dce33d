"""Model folders: what is saved comes back bit by bit, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from TemporalReconLib.errors import InputError
from TemporalReconLib.weights import bundle
from TemporalReconLib.weights.bundle import default_weights, fill_network, open_weights
from TemporalReconLib.weights.model_card import read_card
from TemporalReconLib.weights.weights_file import write_weights_file
from torch.optim.swa_utils import AveragedModel
from weights_samples import CONFIG, FIGURES, TRAINING, a_network, save


@pytest.fixture
def model(tmp_path):
    """A saved model folder."""
    save(tmp_path / "model")
    return tmp_path / "model"


def metadata_of(model):
    return json.loads((model / "configs" / "metadata.json").read_text("utf-8"))


def rewrite_metadata(model, change):
    metadata = metadata_of(model)
    change(metadata)
    (model / "configs" / "metadata.json").write_text(json.dumps(metadata), "utf-8")


def assert_same_parameters(first, second):
    for (name, one), (_, other) in zip(first.state_dict().items(), second.state_dict().items(), strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other), name


@pytest.mark.parametrize("given", [".", "models/model.safetensors"])
def test_saved_weights_come_back_bit_by_bit(model, given):
    weights = open_weights(model / given, "temporal")
    other = a_network(seed=1)
    fill_network(other, weights)
    assert_same_parameters(other, a_network(seed=0))
    assert (weights.method, weights.network, weights.config) == ("temporal", "Test network", CONFIG)
    assert weights.source == model / "models" / "model.safetensors"
    assert (weights.metadata["training"], weights.metadata["figures"]) == (TRAINING, FIGURES)


def test_the_weights_file_alone_says_what_it_is(model, tmp_path):
    lonely = shutil.copy(model / "models" / "model.safetensors", tmp_path / "mine.safetensors")
    weights = open_weights(tmp_path / "mine.safetensors", "temporal")
    assert (weights.method, weights.network, weights.config, weights.metadata) == (
        "temporal",
        "Test network",
        CONFIG,
        {},
    )
    with pytest.raises(InputError, match=r"made for method 'temporal', not 'bcrnn'.*--method temporal"):
        open_weights(tmp_path / lonely.name, "bcrnn")


def as_safetensors(folder, network, stated):
    write_weights_file(folder / "model.safetensors", network.state_dict(), stated)


def as_checkpoint(folder, network, stated):
    averaged = AveragedModel(network)
    optimizer = torch.optim.Adam(network.parameters())
    content = {"progress": {"step": 3}, "network": a_network(seed=8).state_dict(), "average": averaged.state_dict()}
    torch.save({**content, "optimizer": optimizer.state_dict(), "inboreguidance": stated}, folder / "best.pt")


@pytest.mark.parametrize("write", [as_safetensors, as_checkpoint])
def test_a_folder_of_a_training_run_gives_its_averaged_network(tmp_path, write):
    network = a_network(seed=3)
    write(tmp_path, network, {"method": "temporal", "network": "N", "config": CONFIG})
    weights = open_weights(tmp_path, "temporal")
    other = a_network(seed=4)
    fill_network(other, weights)
    assert_same_parameters(other, network)
    assert weights.config == CONFIG
    with pytest.raises(InputError, match="made for method 'temporal'"):
        open_weights(tmp_path, "bcrnn")


def test_the_digest_is_that_of_the_file_and_stands_in_metadata_and_card(tmp_path):
    digest = save(tmp_path / "model")
    data = (tmp_path / "model" / "models" / "model.safetensors").read_bytes()
    assert digest == hashlib.sha256(data).hexdigest() == metadata_of(tmp_path / "model")["inboreguidance"]["sha256"]
    assert digest in read_card(tmp_path / "model")
    assert save(tmp_path / "again") == digest


def test_a_tampered_weights_file_is_refused(model):
    file = model / "models" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    for given in (model, file):
        with pytest.raises(InputError, match=r"model\.safetensors: SHA256 differs"):
            open_weights(given, "temporal")


def test_a_network_of_another_size_learns_which_shapes_differ(model):
    weights = open_weights(model, "temporal")
    with pytest.raises(InputError) as refusal:
        fill_network(a_network(width=5), weights)
    assert "model.safetensors do not fit the network of method 'temporal'" in str(refusal.value)
    assert "7 of another shape (0.weight: expected (5, 2, 3, 3), got (4, 2, 3, 3), 0.bias:" in str(refusal.value)
    assert "and 4 more)" in str(refusal.value)
    assert "missing" not in str(refusal.value) and "unexpected" not in str(refusal.value)


def test_a_network_with_other_names_learns_what_is_missing_and_what_is_too_much_and_stays_as_it_was(model):
    other = torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.PReLU(), torch.nn.Conv2d(4, 2, 3), torch.nn.PReLU())
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(InputError) as refusal:
        fill_network(other, open_weights(model, "temporal"))
    assert "1 missing (3.weight)" in str(refusal.value)
    assert "4 unexpected (1.bias, 1.num_batches_tracked, 1.running_mean and 1 more)" in str(refusal.value)
    assert "1 of another shape (1.weight: expected (1,), got (4,))" in str(refusal.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda metadata: metadata["inboreguidance"].update(config=[1]), "'config' is .1., expected an object"),
        (lambda metadata: metadata["inboreguidance"].update(sha256=12), "'sha256' is 12, expected text"),
        (lambda metadata: metadata.update(inboreguidance="x"), "'inboreguidance' is no JSON object"),
    ],
)
def test_metadata_of_the_wrong_kind_are_refused_by_field(model, change, complaint):
    rewrite_metadata(model, change)
    with pytest.raises(InputError, match=rf"metadata\.json.*{complaint}"):
        open_weights(model, "temporal")


def test_metadata_that_are_no_json_are_refused(model):
    (model / "configs" / "metadata.json").write_text('{"version": ', "utf-8")
    with pytest.raises(InputError, match=r"metadata\.json: not JSON"):
        open_weights(model, "temporal")


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere: no such file or folder"):
        open_weights(tmp_path / "nowhere", "temporal")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: no model folder; expected models/model\.safetensors"):
        open_weights(tmp_path / "empty", "temporal")


def test_a_newer_model_replaces_the_older_one_whole(model):
    save(model, a_network(seed=9), figures={})
    other = a_network(seed=1)
    fill_network(other, open_weights(model, "temporal"))
    assert_same_parameters(other, a_network(seed=9))
    assert "R = 16" not in read_card(model)
    assert sorted(path.name for path in model.parent.iterdir()) == ["model"]


def test_a_failed_save_leaves_the_older_model_and_nothing_else(model):
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(model, a_network(seed=9), training={"loss": float("nan")})
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in model.parent.iterdir()) == ["model"]


def test_an_interrupt_between_old_and_new_brings_the_older_model_back(model, monkeypatch):
    rename = Path.replace

    def interrupted(self, target):
        if ".partial." in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(model, a_network(seed=9))
    other = a_network(seed=1)
    fill_network(other, open_weights(model, "temporal"))
    assert_same_parameters(other, a_network(seed=0))
    assert sorted(path.name for path in model.parent.iterdir()) == ["model"]


def test_a_folder_with_somebodys_work_is_not_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years", "utf-8")
    with pytest.raises(InputError, match=r"thesis: it holds other files \(chapter\.txt\)"):
        save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text("utf-8") == "years"


def test_the_card_tells_data_steps_figures_limits_and_that_this_is_no_medical_device(model):
    card = read_card(model)
    for words in (
        "Research software, not a medical device",
        "doi:10.7937/K9TCIA.2017.MURS5CL",
        "Litjens",
        "- steps: `1200`",
        "| R = 16 | 31.25 | 1.5 |",
        "| R = 32 | 28 |  |",
        "- Never saw a patient.",
        "Apache-2.0",
    ):
        assert words in card
    assert read_card(model / "models" / "model.safetensors") == card


def test_a_file_without_a_card_says_so(tmp_path):
    (tmp_path / "theirs.pt").write_bytes(b"")
    with pytest.raises(InputError, match=r"theirs\.pt: no model card"):
        read_card(tmp_path / "theirs.pt")


def test_a_method_without_weights_says_where_they_were_looked_for():
    with pytest.raises(InputError, match=r"'magic': looked in .*Resources.Models.magic .*--weights"):
        default_weights("magic")


def test_slicer_may_ask_for_paths_and_cards_without_loading_torch(model):
    script = (
        "import sys; sys.modules['torch'] = None\n"
        f"from {bundle.__name__} import default_weights\n"
        "from TemporalReconLib.weights.model_card import read_card\n"
        "from pathlib import Path\n"
        "print(read_card(Path(sys.argv[1]))[:14])"
    )
    done = subprocess.run([sys.executable, "-c", script, model], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "# Test network"), done.stderr
