"""Checkpoints that others made: plain tensors are read, code is neither read nor run."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from TemporalReconLib.errors import InputError
from TemporalReconLib.weights.bundle import fill_network, open_weights
from TemporalReconLib.weights.weights_file import MAX_BYTES
from weights_samples import a_network


class Vandal:
    """Unpickled, it makes a folder: stands for anything worse."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def write_plain_pickle(content, path):
    path.write_bytes(pickle.dumps(content))


def write_old_checkpoint(content, path):
    torch.save(content, path, _use_new_zipfile_serialization=False)


CONTAINERS = {"checkpoint": torch.save, "checkpoint of old PyTorch": write_old_checkpoint, "pickle": write_plain_pickle}


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl"])
@pytest.mark.parametrize("write", CONTAINERS.values(), ids=CONTAINERS)
def test_a_file_that_would_run_code_is_refused_and_did_not_run(tmp_path, write, suffix):
    path, trace = tmp_path / f"theirs{suffix}", tmp_path / "was-here"
    write({"state_dict": {"extra": Vandal(trace)}}, path)
    with pytest.raises(InputError, match=r"theirs\.p.*(would run code \((posix|nt)\.mkdir\)|runs code)"):
        open_weights(path, "bcrnn")
    assert not trace.exists()
    # It is as dangerous as it looks: an unrestricted unpickler runs it.
    if write is write_plain_pickle:
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert trace.exists()


def test_a_pickle_that_calls_itself_safetensors_is_refused_and_did_not_run(tmp_path):
    path, trace = tmp_path / "theirs.safetensors", tmp_path / "was-here"
    write_plain_pickle(Vandal(trace), path)
    with pytest.raises(InputError, match=r"theirs\.safetensors: not a safetensors file"):
        open_weights(path, "temporal")
    assert not trace.exists()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_torchscript_program_is_refused(tmp_path):
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "program.pt")
    with pytest.raises(InputError, match=r"program\.pt: refused, it is a TorchScript program"):
        open_weights(tmp_path / "program.pt", "bcrnn")


@pytest.mark.parametrize("write", [torch.save, write_old_checkpoint])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 12, "optimizer": {"lr": 1e-3}},
        lambda state: {"net": state, "loss": torch.tensor(0.25)},
        lambda state: OrderedDict((f"module.{name}", tensor) for name, tensor in state.items()),
        lambda state: {"state_dict": {f"module.{name}": torch.nn.Parameter(t, False) for name, t in state.items()}},
    ],
    ids=["plain", "state_dict", "net", "data parallel", "data parallel parameters"],
)
def test_plain_tensors_are_found_wherever_training_scripts_put_them(tmp_path, write, wrap):
    write(wrap(a_network(seed=5).state_dict()), tmp_path / "theirs.pth")
    weights = open_weights(tmp_path / "theirs.pth", "bcrnn")
    network = a_network(seed=6)
    fill_network(network, weights)
    for name, tensor in a_network(seed=5).state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name
    assert (weights.method, weights.network, weights.config) == ("bcrnn", "", {})


def test_safetensors_of_others_need_no_header_of_ours(tmp_path):
    save_file({"weight": torch.eye(3)}, tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    weights = open_weights(tmp_path / "theirs.safetensors", "nontemporal")
    assert torch.equal(weights.state["weight"], torch.eye(3))
    assert (weights.method, weights.config) == ("nontemporal", {})


def huge_for_nothing(path):
    """12 TB by strides of zero."""
    torch.save({"weight": torch.zeros(1).expand(10**6, 3 * 10**6)}, path)


def bomb(path):
    """Two MB that unpack to 513 MB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/data/0", bytes(513 * 2**20))


def sparse_file(path):
    """Longer than any model, without taking disk."""
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 2**20)


def cut_checkpoint(path):
    torch.save(a_network().state_dict(), path)
    path.write_bytes(path.read_bytes()[:-200])


BAD_FILES = {
    "not a checkpoint": ("a.pt", lambda path: path.write_bytes(b"no weights at all"), "not a PyTorch checkpoint"),
    "an empty file": ("a.pth", lambda path: path.write_bytes(b""), "not a PyTorch checkpoint"),
    "a cut checkpoint": ("a.pt", cut_checkpoint, "not a PyTorch checkpoint"),
    "a cut header": ("a.safetensors", lambda path: path.write_bytes(b"\xff" * 20), "not a safetensors file"),
    "another kind of file": ("a.onnx", lambda path: path.write_bytes(b"x"), "unknown kind '.onnx'"),
    "a number": ("a.pt", lambda path: torch.save(3, path), "entry '' is int, expected only tensors"),
    "settings": ("a.pt", lambda path: torch.save({"epoch": 3}, path), "entry 'epoch' is int, expected only tensors"),
    "nothing": ("a.pt", lambda path: torch.save({}, path), "holds no tensors"),
    "a diverged training": ("a.pt", lambda path: torch.save({"w": torch.tensor([torch.nan])}, path), "'w' is not fin"),
    "sparse tensors": ("a.pt", lambda path: torch.save({"w": torch.eye(2).to_sparse()}, path), "'w' is no dense"),
    "huge by strides": ("a.pt", huge_for_nothing, "claims 11444092 MB, expected at most 512 MB"),
    "a zip bomb": ("a.pt", bomb, "unpacks to 513 MB, expected at most 512 MB"),
    "a huge file": ("a.safetensors", sparse_file, "513 MB, expected at most 512 MB"),
}


@pytest.mark.parametrize(("name", "write", "complaint"), BAD_FILES.values(), ids=BAD_FILES)
def test_what_is_no_weights_file_is_refused_with_its_reason(tmp_path, name, write, complaint):
    write(tmp_path / name)
    with pytest.raises(InputError, match=re.escape(complaint)) as refusal:
        open_weights(tmp_path / name, "bcrnn")
    assert str(tmp_path / name) in str(refusal.value)
