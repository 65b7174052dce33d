"""Runs the console commands as processes of their own and looks at what a user would see.

Most runs are forked off a process that has imported everything, because importing torch takes longer than the whole
command; argument parsing, file descriptors and exit codes are those of a fresh process all the same. Where there is
no fork, and where the start itself matters, ``python -m`` is run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MODULES = {"temporal-recon": "TemporalReconLib", "instrument-tracker": "InstrumentTrackerLib"}
PATIENCE_S = 60.0
# Options of a biopsy that takes no time.
SIMULATE = ("--slices", 1, "--matrix", 96, "--frames", 8, "--coils", 2, "--acceleration", 8, "--seed", 3)

# Reads one JSON line per run, forks, and answers with the exit code. Imports only; no thread may run before a fork.
_WARM_SOURCE = """
import json, os, sys, traceback
import TemporalReconLib.__main__, InstrumentTrackerLib.__main__
import torch, SimpleITK, nrrd, h5py, ismrmrd, scipy.ndimage, scipy.optimize
import TemporalReconLib.engine.offline, TemporalReconLib.engine.serving, TemporalReconLib.engine.processor
import TemporalReconLib.simulation.simulated_series, InstrumentTrackerLib.guidance.processor
MAIN = {
    "temporal-recon": TemporalReconLib.__main__.main,
    "instrument-tracker": InstrumentTrackerLib.__main__.main,
}
def run(job):
    os.chdir(job["folder"])
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    torch.set_num_threads(1)
    try:
        code = MAIN[job["program"]](job["arguments"])
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    """Exit code, stdout and stderr of a finished command."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Lines on stderr without progress, which overwrites itself with carriage returns."""
        return [line for line in self.err.split("\n") if line and not line.startswith("\r")]


class WarmConsole:
    """Commands as children of one process that has imported both packages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen | None = None
        if hasattr(os, "fork"):
            self._process = subprocess.Popen(
                [sys.executable, "-c", _WARM_SOURCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )

    def run(self, program: str, *arguments: object, folder: Path | None = None) -> Outcome:
        """Run ``program arguments`` in a folder; it must end by itself."""
        words = [str(argument) for argument in arguments]
        if self._process is None:
            return run_cold(program, *words, folder=folder)
        out, err = self._folder / "stdout", self._folder / "stderr"
        job = {"program": program, "arguments": words, "out": str(out), "err": str(err)}
        job["folder"] = str(folder or self._folder)
        stdin, stdout = _pipes(self._process)
        stdin.write(json.dumps(job) + "\n")
        stdin.flush()
        code = int(stdout.readline())
        # Bytes, because reading as text would turn the carriage returns of progress into new lines.
        return Outcome(code, out.read_bytes().decode(), err.read_bytes().decode())

    def close(self) -> None:
        if self._process is not None:
            for pipe in _pipes(self._process):
                pipe.close()
            self._process.wait(PATIENCE_S)


def run_cold(program: str, *arguments: object, folder: Path | None = None) -> Outcome:
    """Run the command as ``python -m`` does."""
    words = [sys.executable, "-m", MODULES[program], *map(str, arguments)]
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=PATIENCE_S, check=False)
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def started(program: str, *arguments: object, folder: Path) -> Iterator[subprocess.Popen]:
    """A command that runs until it is told to end; killed when the block ends."""
    words = [sys.executable, "-m", MODULES[program], *map(str, arguments)]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def files_in(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder with its content (None for folders), hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def _pipes(process: subprocess.Popen) -> tuple[IO[Any], IO[Any]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
