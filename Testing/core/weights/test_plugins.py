"""A researcher's own method, installed as a Python distribution, runs by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import torch
from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing, reconstruct_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.plugins import make_plugin, plugin_names
from TemporalReconLib.reconstruction.registry import METHODS, make_reconstructor
from TemporalReconLib.weights.weights_file import write_weights_file

# Zero filling times a gain that it reads from its weights: small, and known to the last bit.
PACKAGE = """
from dataclasses import replace
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.registry import make_reconstructor
from TemporalReconLib.weights.bundle import open_weights

class Mine:
    info = MethodInfo("mine", causal=True, delay_frames=0, needs_coil_maps=False, description="Louder.")

    def __init__(self, device, weights):
        self.inner = make_reconstructor("zero-filled", str(device))
        self.gain = 1.0 if weights is None else float(open_weights(weights, "mine").state["gain"])

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def reconstruct(self):
        image = self.inner.reconstruct()
        return replace(image, data=image.data * self.gain, method="mine")
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a distribution as pip would leave it: a module and a dist-info folder; returns where it is."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def installed(entry_points: dict[str, str], name: str = "mine-recon", **modules: str) -> Path:
        site = tmp_path / "site"
        information = site / f"{name.replace('-', '_')}-1.2.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", "utf-8")
        lines = [f"{method} = {value}" for method, value in entry_points.items()]
        text = "\n".join(["[inboreguidance.reconstructors]", *lines, ""])
        (information / "entry_points.txt").write_text(text, "utf-8")
        for module, source in modules.items():
            (site / f"{module}.py").write_text(dedent(source), "utf-8")
        return site

    return installed


def temporal_recon(site: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own that finds the distributions in ``site``."""
    return subprocess.run(
        [sys.executable, "-m", "TemporalReconLib", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installed_method_runs_from_the_command_line_with_its_weights(install, tmp_path):
    site = install({"mine": "mine_recon:Mine"}, mine_recon=PACKAGE)
    volume = np.random.default_rng(0).random((2, 32, 24), dtype=np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(volume), str(tmp_path / "volume.nrrd"))
    write_weights_file(tmp_path / "gain.safetensors", {"gain": torch.tensor(2.5)}, {"method": "mine"})

    output = tmp_path / "out.seq.nrrd"
    done = temporal_recon(
        site,
        *("reconstruct", tmp_path / "volume.nrrd", "--output", output, "--acceleration", 4, "--frames", "repeat:3"),
        *("--device", "cpu", "--method", "mine", "--weights", tmp_path / "gain.safetensors"),
    )
    assert done.returncode == 0, done.stderr

    series = open_for_playing(tmp_path / "volume.nrrd", SeriesOptions(4, "paper", 0, "repeat:3", None))
    expected = [image.data * 2.5 for image in reconstruct_series(series, make_reconstructor("zero-filled", "cpu"))]
    pixels, _ = nrrd.read(str(output))
    np.testing.assert_allclose(np.moveaxis(pixels, (0, 1, 2, 3), (3, 2, 1, 0)), np.stack(expected), rtol=1e-6)


def test_an_installed_method_is_listed_beside_the_built_in_ones_without_being_imported(install):
    site = install({"mine": "mine_recon:Mine"}, mine_recon="raise SystemExit('imported')")
    shown = temporal_recon(site, "reconstruct", "--help")
    assert shown.returncode == 0
    assert " ".join(shown.stdout.split()).find("zero-filled, mine (") > 0


def test_a_plugin_cannot_take_the_name_of_a_built_in_method(install, caplog):
    install({"zero-filled": "mine_recon:Mine", "mine": "mine_recon:Mine"}, mine_recon=PACKAGE)
    assert plugin_names(METHODS) == ("mine",)
    assert "'zero-filled' of mine-recon 1.2 is ignored" in caplog.text
    assert type(make_reconstructor("zero-filled", "cpu")).__module__.startswith("TemporalReconLib.")


def test_two_distributions_with_one_name_are_not_chosen_between(install):
    install({"mine": "mine_recon:Mine"}, name="first")
    install({"mine": "mine_recon:Mine"}, name="second")
    with pytest.raises(InputError, match=r"'mine' is offered by first 1\.2 and second 1\.2"):
        make_plugin("mine", torch.device("cpu"), None)


BROKEN = {
    "a module that is not there": ("absent:make", "", r"cannot be imported: ModuleNotFoundError.*absent"),
    "a module that fails": ("broken:make", "1 / 0", r"cannot be imported: ZeroDivisionError"),
    "a name that is not there": ("broken:make", "", r"cannot be imported: AttributeError.*make"),
    "no callable": ("broken:make", "make = 3", r"broken:make cannot be called as make\(device, weights\)"),
    "too few arguments": ("broken:make", "def make(device): ...", r"cannot be called as make\(device, weights\): too"),
    "nothing made": (
        "broken:make",
        "def make(device, weights): ...",
        r"made a NoneType, which is no reconstructor: no info, device, set_planning, ingest, reconstruct",
    ),
    "half a reconstructor": (
        "broken:make",
        """
        class make:
            info = device = set_planning = ingest = finish = reset = None
            def __init__(self, device, weights): ...
        """,
        r"made a make, which is no reconstructor: no reconstruct$",
    ),
    "no description of itself": (
        "broken:make",
        """
        class make:
            info = device = set_planning = ingest = reconstruct = finish = reset = None
            def __init__(self, device, weights): ...
        """,
        r"info is a NoneType, expected a MethodInfo",
    ),
}


@pytest.mark.parametrize(("value", "source", "complaint"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_names_its_distribution_and_what_is_wrong(install, monkeypatch, value, source, complaint):
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    install({"mine": value}, broken=source)
    with pytest.raises(InputError, match=rf"^method 'mine' of mine-recon 1\.2.*{complaint}"):
        make_plugin("mine", torch.device("cpu"), None)
    monkeypatch.delitem(sys.modules, "broken", raising=False)


def test_the_command_line_tells_a_broken_plugin_in_one_line(install, tmp_path):
    site = install({"mine": "absent:make"})
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((2, 32, 24), np.float32)), str(tmp_path / "volume.nrrd"))
    done = temporal_recon(
        site,
        *("reconstruct", tmp_path / "volume.nrrd", "--output", tmp_path / "out.nrrd", "--acceleration", 4),
        *("--method", "mine"),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("temporal-recon: error: method 'mine' of mine-recon 1.2 cannot be imported")
    assert done.stderr.count("\n") == 1
