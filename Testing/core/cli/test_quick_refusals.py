"""A wrong command line is answered at once: before torch, whose import takes seconds, is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from console import MODULES

# A None in sys.modules makes ``import torch`` fail.
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from {module}.__main__ import main
sys.exit(main(sys.argv[1:]))
"""

RECONSTRUCT = ("temporal-recon", "reconstruct", "volume.nrrd", "--output", "out.nrrd")
SIMULATE = ("temporal-recon", "simulate", "--output", "out.h5")
TRAIN = ("temporal-recon", "train", "--output", "run")
TRACK = ("instrument-tracker", "track", "volume.nrrd", "--output", "out.csv")
CALIBRATE = ("instrument-tracker", "calibrate")

REFUSALS = {
    "no such input": ((*RECONSTRUCT[:2], "missing.nrrd", *RECONSTRUCT[3:]), "missing.nrrd"),
    "empty input": ((*RECONSTRUCT[:2], "", *RECONSTRUCT[3:]), "INPUT"),
    "blank prior": ((*RECONSTRUCT, "--prior", " "), "--prior"),
    "no such prior": ((*RECONSTRUCT, "--prior", "missing.nrrd"), "missing.nrrd"),
    "input of an unknown kind": ((*RECONSTRUCT[:2], "letter.txt", *RECONSTRUCT[3:]), "letter.txt"),
    "damaged input": ((*RECONSTRUCT[:2], "cut.nrrd", *RECONSTRUCT[3:]), "cut.nrrd"),
    "output of another kind": ((*RECONSTRUCT[:4], "out.mp4"), "out.mp4"),
    "unknown method": ((*RECONSTRUCT, "--method", "magic"), "magic"),
    "uncertainty of another kind": ((*RECONSTRUCT, "--uncertainty", "out.csv"), "--uncertainty out.csv"),
    "uncertainty in place of the images": ((*RECONSTRUCT, "--uncertainty", "out.nrrd"), "--uncertainty out.nrrd"),
    "acceleration below 1": ((*RECONSTRUCT, "--acceleration", "0.5"), "acceleration 0.5"),
    "acceleration above the lines": ((*RECONSTRUCT, "--acceleration", "33"), "acceleration 33"),
    "nonsense frames": ((*RECONSTRUCT, "--frames", "some"), "--frames"),
    "simulation of no coil": ((*SIMULATE, "--coils", "0"), "coils 0"),
    "simulation to another kind": ((*SIMULATE[:3], "out.nrrd"), "out.nrrd"),
    "no such background": ((*SIMULATE, "--background", "missing.nrrd"), "missing.nrrd"),
    "empty background": ((*SIMULATE, "--background", ""), "--background"),
    "no such coil maps": ((*SIMULATE, "--coil-maps", "missing.npy"), "missing.npy"),
    "training from no weights": ((*TRAIN, "--weights", "nowhere"), "--weights nowhere"),
    "training on no such series": ((*TRAIN, "--data", "nowhere"), "--data nowhere"),
    "training on no such background": ((*TRAIN, "--backgrounds", "missing.nrrd"), "missing.nrrd"),
    "training into a file": ((*TRAIN[:3], "volume.nrrd"), "--output volume.nrrd"),
    "training of no step": ((*TRAIN, "--steps", "0"), "--steps 0"),
    "training for less than no time": ((*TRAIN, "--minutes", "-1"), "--minutes -1"),
    "training of what has no weights": ((*TRAIN, "--method", "zero-filled"), "zero-filled"),
    "calibration of what is calibrated": (CALIBRATE, "--segmenter-weights"),
    "calibration by too few series": ((*CALIBRATE, "--series", "3"), "--series 3"),
    "calibration of what has no masks": (
        (*CALIBRATE, "--segmenter", "classical", "--output", "out.json"),
        "'classical'",
    ),
    "calibration to nowhere": ((*CALIBRATE, "--output", "nowhere/out.json"), "nowhere"),
    "nothing to track": ((*TRACK[:2], "missing.h5", *TRACK[3:]), "missing.h5"),
    "nothing named to track": ((*TRACK[:2], "", *TRACK[3:]), "INPUT"),
    "table of another kind": ((*TRACK[:4], "out.xlsx"), "out.xlsx"),
    "bad target": ((*TRACK, "--target", "1,2"), "--target"),
    "tracking with an unknown method": ((*TRACK, "--method", "magic"), "magic"),
    "unknown segmenter": ((*TRACK, "--segmenter", "magic"), "magic"),
    "segmenter without its folder": ((*TRACK, "--segmenter", "nnunet:nowhere"), "nowhere"),
    "weights for a segmenter without": (
        (*TRACK, "--segmenter", "classical", "--segmenter-weights", "w"),
        "takes no weights",
    ),
    "two targets of one name": ((*TRACK, "--target", "a=1,2,3", "--target", "a=4,5,6"), "given twice"),
    "needle of no length": ((*TRACK, "--needle-notch", "0"), "notch_mm is 0"),
    "correction for an unknown metal": ((*TRACK, "--artifact-correction", "lead"), "--artifact-correction"),
    "targeting table without target": ((*TRACK, "--targeting-output", "t.csv"), "--targeting-output t.csv"),
    "targeting table of another kind": ((*TRACK, "--targeting-output", "t.json"), "--targeting-output t.json"),
    "engine with an unknown segmenter": (("instrument-tracker", "serve", "--segmenter", "magic"), "magic"),
    "segmenter trained on no such background": (
        ("instrument-tracker", "train", "--output", "run", "--backgrounds", "missing.nrrd"),
        "missing.nrrd",
    ),
    "segmenter trained from no weights": (
        ("instrument-tracker", "train", "--output", "run", "--weights", "nowhere"),
        "--weights nowhere",
    ),
    "nothing to send": (("temporal-recon", "send", "missing.h5", "--to", "127.0.0.1:1"), "missing.h5"),
    "nothing named to send": (("temporal-recon", "send", "", "--to", "127.0.0.1:1"), "INPUT"),
    "demo of nothing": (("instrument-tracker", "demo", "--output", "demo", "--input", "missing.h5"), "missing.h5"),
    "output of an empty name": ((*RECONSTRUCT[:4], ""), "--output: the name is empty"),
    "truth of an empty name": ((*SIMULATE, "--truth", ""), "--truth: the name is empty"),
    "masks of an empty name": ((*TRACK, "--mask-output", ""), "--mask-output: the name is empty"),
    "demo into an empty name": (("instrument-tracker", "demo", "--output", ""), "--output: the name is empty"),
    **{
        f"demo of a simulated case with {option}": (
            ("instrument-tracker", "demo", "--output", "demo", option, value),
            "or give a file with --input",
        )
        for option, value in [
            *(("--acceleration", "8"), ("--mask", "golden"), ("--mask-seed", "1")),
            *(("--prior", "volume.nrrd"), ("--frames", "slices")),
        ]
    },
    "demo of an empty name": (("instrument-tracker", "demo", "--output", "demo", "--input", ""), "--input"),
}


@pytest.mark.parametrize(("words", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_wrong_command_line_is_refused_without_importing_torch(tmp_path: Path, words, expected):
    volume = sitk.GetImageFromArray(np.ones((2, 32, 24), np.int16))
    sitk.WriteImage(volume, str(tmp_path / "volume.nrrd"))
    (tmp_path / "cut.nrrd").write_bytes((tmp_path / "volume.nrrd").read_bytes()[:200])
    (tmp_path / "letter.txt").write_text("no image", encoding="ascii")
    program, *arguments = words
    script = WITHOUT_TORCH.format(module=MODULES[program])
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.nrrd", "letter.txt", "volume.nrrd"]
