"""Whatever is wrong with a command line or a file: one line that names it, exit code 2, and nothing left behind."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from bad_files import BAD_FILES, write_bad_files, write_good_files
from console import files_in

RECON = "temporal-recon"
TRACK = "instrument-tracker"
USED_PORT = "the port of another program"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory, case) -> Path:
    """A folder with good and bad inputs."""
    folder = tmp_path_factory.mktemp("shelf")
    write_bad_files(folder)
    write_good_files(folder)
    (folder / "case.h5").write_bytes(case.path.read_bytes())
    np.save(folder / "real.npy", np.ones((2, 96, 96), np.float32))
    np.save(folder / "flat.npy", np.ones((96, 96), np.complex64))
    np.save(folder / "nan.npy", np.full((2, 96, 96), np.nan, np.complex64))
    np.save(folder / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "text.npy").write_text("no array", encoding="ascii")
    return folder


@pytest.fixture
def refused(console, shelf, tmp_path):
    """Runs a command that must be refused; returns its line.

    ``{shelf}`` stands for the folder of inputs, ``{out}`` for a folder of its own.
    """

    def run(program: str, *arguments: str, code: int = 2) -> str:
        before, inputs = files_in(tmp_path), sorted(shelf.rglob("*"))
        words = [argument.format(shelf=shelf, out=tmp_path) for argument in arguments]
        done = console.run(program, *words, folder=tmp_path)
        assert done.code == code, (done.code, done.err)
        assert "Traceback" not in done.err
        assert len(done.lines) == 1, done.err
        line = done.lines[0]
        assert line.startswith(program) and "error: " in line
        assert len(line) < 700
        assert done.out == ""
        assert files_in(tmp_path) == before
        assert sorted(shelf.rglob("*")) == inputs
        return line

    return run


SMALL = ("--frames", "1", "--slices", "1", "--matrix", "32", "--coils", "1")
COMMANDS_WITH_INPUT = {
    "reconstruct": (RECON, "reconstruct", "{input}", "--output", "{{out}}/out.seq.nrrd", "--acceleration", "4"),
    "send": (RECON, "send", "{input}", "--to", f"127.0.0.1:{USED_PORT}"),
    "track": (TRACK, "track", "{input}", "--output", "{{out}}/track.csv"),
    "--prior": (RECON, "reconstruct", "{{shelf}}/volume.nrrd", "--output", "{{out}}/out.nrrd", "--prior", "{input}"),
    "--background": (RECON, "simulate", "--output", "{{out}}/out.h5", *SMALL, "--background", "{input}"),
}


# The commands share their readers: one sees every file, the others one of each kind.
ONE_OF_EACH_KIND = [
    *("missing.nrrd", "empty.nii.gz", "text.h5", "cut.nii.gz", "cut.mha", "nan.nii.gz", "nan.nrrd", "flat.mha"),
    *("rgb.nrrd", "singular.nrrd", "zero-size.nrrd", "huge.nrrd", "no-lines.h5", "nan-kspace.h5", "folder"),
]
READINGS = [
    *(("reconstruct", name) for name in ["missing.nrrd", *BAD_FILES]),
    *((command, name) for command in COMMANDS_WITH_INPUT if command != "reconstruct" for name in ONE_OF_EACH_KIND),
]


@pytest.mark.parametrize(("command", "name"), READINGS)
def test_a_bad_file_is_refused_by_every_command_that_reads_one(refused, command, name):
    program, *words = COMMANDS_WITH_INPUT[command]
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = str(other_program.getsockname()[1])
        words = [word.format(input=f"{{shelf}}/{name}").replace(USED_PORT, port) for word in words]
        line = refused(program, *words)
    assert name in line
    if command in ("reconstruct", "send", "track") and name in BAD_FILES:
        assert BAD_FILES[name][1] in line


RECONSTRUCT = [RECON, "reconstruct", "{shelf}/volume.nrrd", "--output", "{out}/out.seq.nrrd"]
UNDERSAMPLE = [*RECONSTRUCT, "--acceleration", "4"]
SIMULATE = [RECON, "simulate", "--output", "{out}/out.h5", "--matrix", "64", "--slices", "1", "--coils", "2"]
SEND = [RECON, "send", "{shelf}/case.h5"]
NOBODY = ["--to", "127.0.0.1:1"]
TRACK_FILE = [TRACK, "track", "{shelf}/case.h5", "--output", "{out}/track.csv"]
DEMO = [TRACK, "demo", "--output", "{out}/demo"]

# Command line -> words the line must contain.
BAD_COMMAND_LINES: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no command": ([RECON], ("COMMAND",)),
    "unknown command": ([RECON, "segment"], ("segment", "reconstruct")),
    "unknown command of the tracker": ([TRACK, "reconstruct"], ("reconstruct", "track")),
    "unknown option": ([*UNDERSAMPLE, "--fast"], ("--fast",)),
    "no input": ([RECON, "reconstruct", "--output", "{out}/out.nrrd"], ("INPUT",)),
    "no output": ([RECON, "reconstruct", "{shelf}/volume.nrrd"], ("--output",)),
    "two inputs": ([*UNDERSAMPLE, "{shelf}/series.nii"], ("series.nii",)),
    "nothing undersampled": (RECONSTRUCT, ("volume", "--acceleration")),
    **{
        f"acceleration {value}": ([*RECONSTRUCT, f"--acceleration={value}"], ("acceleration", shown))
        for value, shown in [
            *((value, value) for value in ("0", "-1", "nan", "inf", "0.5", "33", "fast")),
            ("1e9", "1000000000.0"),
            ("", "--acceleration"),
        ]
    },
    "acceleration of a separate word": ([*RECONSTRUCT, "--acceleration", "-1"], ("acceleration", "-1")),
    "undersampled twice": (
        [RECON, "reconstruct", "{shelf}/case.h5", "--output", "{out}/out.nrrd", "--acceleration", "4"],
        ("case", "already undersampled"),
    ),
    **{
        f"frames {value}": ([*UNDERSAMPLE, f"--frames={value}"], ("--frames", value))
        for value in ("nonsense", "repeat:0", "repeat:-1", "repeat:999999999", "repeat:1.5", "repeat:", "")
    },
    "a series as slices": (
        [RECON, "reconstruct", "{shelf}/series.nii", "--output", "{out}/o.nrrd", "--frames", "slices"],
        ("series.nii", "--frames slices", "2 time points"),
    ),
    "unknown mask": ([*UNDERSAMPLE, "--mask", "radial"], ("--mask", "radial", "golden")),
    "negative mask seed": ([*UNDERSAMPLE, "--mask-seed", "-1"], ("--mask-seed", "-1")),
    "mask seed in words": ([*UNDERSAMPLE, "--mask-seed", "lucky"], ("--mask-seed", "lucky")),
    "prior of another matrix": ([*UNDERSAMPLE, "--prior", "{shelf}/cropped.nrrd"], ("--prior", "cropped", "matrix")),
    "prior elsewhere": ([*UNDERSAMPLE, "--prior", "{shelf}/moved.nrrd"], ("--prior", "moved", "position")),
    "prior of two time points": ([*UNDERSAMPLE, "--prior", "{shelf}/series.nii"], ("series.nii", "2 time points")),
    "prior in k-space": ([*UNDERSAMPLE, "--prior", "{shelf}/case.h5"], ("case.h5",)),
    "unknown method": ([*UNDERSAMPLE, "--method", "magic"], ("magic", "zero-filled")),
    "empty method": ([*UNDERSAMPLE, "--method", ""], ("method", "zero-filled")),
    **{
        f"device {value}": ([*UNDERSAMPLE, "--device", value], ("device", value, "cpu"))
        for value in ("tpu", "cuda:99", "meta", "cuda:-1", "cpu:x")
    },
    "weights without use": (
        [*UNDERSAMPLE, "--method", "zero-filled", "--weights", "{shelf}/real.npy"],
        ("--weights", "zero-filled"),
    ),
    "output in a missing folder": (
        [*UNDERSAMPLE[:4], "{out}/no/out.nrrd", "--acceleration", "4"],
        ("no/out.nrrd", "does not exist"),
    ),
    "output is a folder": (
        [*UNDERSAMPLE[:4], "{shelf}/folder.nrrd", "--acceleration", "4"],
        ("folder.nrrd", "is a folder"),
    ),
    "output of another kind": ([*UNDERSAMPLE[:4], "{out}/out.mp4", "--acceleration", "4"], ("out.mp4", ".nrrd")),
    "output without a name": ([*UNDERSAMPLE[:4], "", "--acceleration", "4"], ("--output",)),
    "output over the input": (
        [*UNDERSAMPLE[:4], "{shelf}/volume.nrrd", "--acceleration", "4"],
        ("volume.nrrd", "the input"),
    ),
    "output over the prior": (
        [*UNDERSAMPLE[:4], "{shelf}/moved.nrrd", "--prior", "{shelf}/folder/../moved.nrrd"],
        ("moved.nrrd", "the input"),
    ),
    "report in a missing folder": ([*UNDERSAMPLE, "--report", "{out}/no/r.json"], ("no/r.json", "does not exist")),
    "report of another kind": ([*UNDERSAMPLE, "--report", "{out}/r.nrrd"], ("--report", ".json")),
    **{
        f"simulate {option} {value}": ([*SIMULATE, f"{option}={value}"], (option.strip("-"), value))
        for option, value in [
            ("--frames", "0"),
            ("--frames", "-3"),
            ("--frames", "1e3"),
            ("--frames", "99999999"),
            ("--acceleration", "0"),
            ("--acceleration", "nan"),
            ("--acceleration", "129"),
            ("--mask", "spiral"),
            ("--coils", "0"),
            ("--coils", "33"),
            ("--slices", "0"),
            ("--slices", "21"),
            ("--matrix", "0"),
            ("--matrix", "63"),
            ("--matrix", "100000"),
            ("--orientation", "diagonal"),
            ("--noise", "nan"),
            ("--noise", "-1"),
            ("--seed", "-1"),
            ("--seed", "x"),
        ]
    },
    "simulate without output": ([RECON, "simulate"], ("--output",)),
    "simulate to another kind": ([RECON, "simulate", "--output", "{out}/out.nrrd"], ("out.nrrd", ".h5")),
    "simulate into a missing folder": ([RECON, "simulate", "--output", "{out}/no/out.h5"], ("no/out.h5",)),
    "truth into a missing folder": ([*SIMULATE, "--truth", "{out}/no/truth.json"], ("no/truth.json",)),
    "truth of another kind": ([*SIMULATE, "--truth", "{out}/out.h5"], ("--truth", ".json")),
    **{
        f"coil maps {name}": ([*SIMULATE, "--coils", "2", "--coil-maps", f"{{shelf}}/{name}"], (name,))
        for name in ("missing.npy", "real.npy", "flat.npy", "nan.npy", "objects.npy", "text.npy", "folder", "empty.h5")
    },
    **{
        f"{program} serve {' '.join(options)}": ([program, "serve", "--port", "0", *options], words)
        for program in (RECON, TRACK)
        for options, words in [
            (["--port", "-1"], ("port", "-1")),
            (["--port", "65536"], ("port", "65536")),
            (["--port", "igtl"], ("--port", "igtl")),
            (["--host", "scanner"], ("scanner", "IP address")),
            (["--host", "203.0.113.7", "--allow", "203.0.113.0/24"], ("203.0.113.7", "not an address of this")),
            (["--host", "0.0.0.0"], ("0.0.0.0", "allowed peers")),
            (["--host", ""], ("IP address",)),
            (["--host", "0.0.0.0", "--allow", "everyone"], ("everyone",)),
            (["--allow", "10.0.0.5"], ("allow", "127.0.0.1")),
            (["--forward", "slicer"], ("slicer", "HOST:PORT")),
            (["--forward", "127.0.0.1:0"], ("127.0.0.1:0", "HOST:PORT")),
            (["--image-coordinates", "mni"], ("mni",)),
            (["--method", "magic"], ("magic",)),
            (["--device", "tpu"], ("tpu",)),
            (["--weights", "{shelf}/real.npy"], ("real.npy", "unknown kind")),
            (["--message-log", "{out}/no/messages.txt"], ("no/messages.txt",)),
            (["--message-log", "{shelf}/folder"], ("folder",)),
            (["--record", ""], ("--record", "empty")),
        ]
    },
    **{
        f"{name} port {USED_PORT}": ([program, "serve", "--port", USED_PORT], ("in use", USED_PORT))
        for name, program in (("recon", RECON), ("tracker", TRACK))
    },
    **{
        f"send to {value}": ([*SEND, f"--to={value}"], (value, "HOST:PORT"))
        for value in ("scanner", "127.0.0.1", "127.0.0.1:", ":18944", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x")
    },
    "send to nobody": ([*SEND, *NOBODY], ("127.0.0.1:1", "start it")),
    **{
        f"send rate {value}": ([*SEND, *NOBODY, f"--rate={value}"], ("rate", value))
        for value in ("0", "-2", "nan", "inf", "x")
    },
    "entry without target": ([*TRACK_FILE, "--entry", "1,2,3"], ("--entry", "--target")),
    **{
        f"target {value}": ([*TRACK_FILE, "--target", value], ("target",))
        for value in ("1,2", "1,2,3,4", "here", "1,2,x", "nan,1,2", "1,inf,2", "", "-1,2", "1e9,0,0", "1 2 3", "1;2;3")
    },
    "entry of two numbers": ([*TRACK_FILE, "--target", "1,2,3", "--entry", "-4,5"], ("--entry", "-4,5")),
    "entry on the target": ([*TRACK_FILE, "--target", "1,2,3", "--entry", "1,2,3"], ("entry", "target")),
    "table of another kind": ([*TRACK_FILE[:4], "{out}/track.xlsx"], ("track.xlsx", ".csv")),
    "table in a missing folder": ([*TRACK_FILE[:4], "{out}/no/track.csv"], ("no/track.csv", "does not exist")),
    "masks of another kind": ([*TRACK_FILE, "--mask-output", "{out}/mask.nii"], ("mask.nii", ".nrrd")),
    "masks over the input": (
        [*TRACK_FILE[:2], "{shelf}/volume.nrrd", *TRACK_FILE[3:], "--mask-output", "{shelf}/volume.nrrd"],
        ("volume.nrrd", "the input"),
    ),
    "track with unknown method": ([*TRACK_FILE, "--method", "magic"], ("magic",)),
    "track with unknown device": ([*TRACK_FILE, "--device", "tpu"], ("tpu",)),
    "track pictures with unknown method": (
        [*TRACK_FILE[:2], "{shelf}/volume.nrrd", *TRACK_FILE[3:], "--method", "magic"],
        ("magic",),
    ),
    "serve with a bad target": ([TRACK, "serve", "--port", "0", "--target", "1,2"], ("--target",)),
    "demo into a file": ([TRACK, "demo", "--output", "{shelf}/volume.nrrd"], ("volume.nrrd",)),
    "demo of a missing file": ([*DEMO, "--input", "{shelf}/missing.h5"], ("missing.h5",)),
    "demo of a text": ([*DEMO, "--input", "{shelf}/text.h5"], ("text.h5",)),
    "demo with a bad target": ([*DEMO, "--target", "1,2"], ("--target",)),
    "demo with unknown method": ([*DEMO, "--method", "magic"], ("magic",)),
    "demo with unknown device": ([*DEMO, "--device", "tpu"], ("tpu",)),
    "demo with a negative seed": ([*DEMO, "--seed", "-1"], ("seed", "-1")),
}


@pytest.mark.parametrize(("words", "expected"), BAD_COMMAND_LINES.values(), ids=BAD_COMMAND_LINES.keys())
def test_a_bad_command_line_is_refused_in_one_line_that_names_what_is_wrong(refused, words, expected):
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = str(other_program.getsockname()[1])
        words, expected = ([port if word == USED_PORT else word for word in list_] for list_ in (words, expected))
        line = refused(*words)
    for text in expected:
        assert text in line


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("words", [UNDERSAMPLE, SIMULATE, TRACK_FILE], ids=["reconstruct", "simulate", "track"])
def test_a_folder_without_permission_is_refused_before_the_work(refused, tmp_path, words):
    tmp_path.chmod(0o500)
    try:
        assert "permission" in refused(*words)
    finally:
        tmp_path.chmod(0o700)
