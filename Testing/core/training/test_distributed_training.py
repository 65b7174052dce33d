"""Several processes train one network."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from TemporalReconLib.errors import InputError
from TemporalReconLib.training.checkpoint import read_checkpoint
from TemporalReconLib.training.processes import training_process

# What ``torchrun --nproc-per-node 2`` sets for each process; the stop comes from the second one alone.
TRAINING = """
import sys
from pathlib import Path
import torch
from TemporalReconLib.training.processes import training_process
from TemporalReconLib.training.trainer import Trainer
from TemporalReconLib.training.methods import make_unroll
from training_runs import RECIPE, a_stream

torch.set_num_threads(1)
method, folder = sys.argv[1], Path(sys.argv[2])
with training_process("cpu") as process:
    torch.manual_seed(process.rank)
    trainer = Trainer(make_unroll(method), RECIPE, a_stream(), folder, process.device, process.rank, process.n_ranks)
    trainer.run(lambda report: None, lambda: process.rank == 1 and trainer.checkpoint.step >= 4)
    torch.save(trainer.network.state_dict(), folder / f"rank{process.rank}.pt")
"""


def start(rank: int, method: str, folder: Path, port: int) -> subprocess.Popen:
    here = Path(__file__).parent
    torchrun = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environment = {**os.environ, "PYTHONPATH": str(here), **{name: str(value) for name, value in torchrun.items()}}
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING, method, str(folder)], env=environment, stderr=subprocess.PIPE, text=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("method", ["temporal", "bcrnn"])
def test_two_processes_end_with_one_network_and_stop_together(tmp_path, method):
    """They begin with different weights, see different data, and only the second one is asked to stop."""
    port = free_port()
    processes = [start(rank, method, tmp_path, port) for rank in range(2)]
    try:
        errors = [process.communicate(timeout=240)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], errors
    states = [torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    content = read_checkpoint(tmp_path / "newest.pt")
    assert content["progress"]["step"] == 4 and content["progress"]["device"].endswith("2 processes")
    assert all(torch.equal(content["network"][name], states[0][name]) for name in states[0])


def test_one_gpu_is_not_given_to_several_processes(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="2 processes cannot share it"), training_process("cuda:0"):
        pass


def test_without_torchrun_there_is_one_process():
    with training_process("cpu") as process:
        assert (process.device.type, process.rank, process.n_ranks) == ("cpu", 0, 1)
