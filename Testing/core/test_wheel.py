"""The wheel of a remote engine brings packages, commands and trained models."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "Resources" / "Models"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Freshly built; one holds both packages."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # Built from what git knows: setuptools would write its build folders into the repository.
    source.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    subprocess.run([*command, "--wheel-dir", str(folder)], cwd=source, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """What the wheel holds."""
    with zipfile.ZipFile(wheel) as content:
        return set(content.namelist())


def test_every_file_of_every_model_is_in_the_wheel_where_the_engine_looks(names: set[str]) -> None:
    shipped = {path.relative_to(MODELS).as_posix() for path in MODELS.rglob("*") if path.is_file()}
    placed = "inboreguidance-{}.data/data/share/inboreguidance/Resources/Models/"
    (version,) = {name.split("/")[0].removesuffix(".dist-info") for name in names if ".dist-info/" in name}
    prefix = placed.format(version.removeprefix("inboreguidance-"))
    assert {name.removeprefix(prefix) for name in names if name.startswith(prefix)} == shipped


def test_both_packages_and_both_commands_are_in_the_wheel(names: set[str]) -> None:
    command = ["git", "ls-tree", "-r", "--name-only", "HEAD"]
    committed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    sources = [name.partition("/")[2] for name in committed if "Lib/" in name and name.endswith(".py")]
    assert len(sources) > 100
    assert set(sources) <= names
    assert any(name.endswith(".dist-info/entry_points.txt") for name in names)


def test_both_commands_run_where_only_the_wheel_is_installed(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    python, programs = tmp_path / "venv" / "bin" / "python", tmp_path / "venv" / "bin"

    def run(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # What the packages depend on comes from this environment, and nothing from the network.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    assert site.as_posix() in run(python, "-c", "import TemporalReconLib; print(TemporalReconLib.__file__)")
    small = ("--matrix", "64", "--frames", "3", "--coils", "2", "--slices", "1", "--acceleration", "4")
    run(programs / "temporal-recon", "simulate", "--output", "case.h5", *small)
    run(programs / "temporal-recon", "reconstruct", "case.h5", "--output", "recon.seq.nrrd", "--device", "cpu")
    run(programs / "instrument-tracker", "track", "case.h5", "--output", "track.csv", "--device", "cpu")
    assert len((tmp_path / "track.csv").read_text(encoding="utf-8").splitlines()) == 1 + 3
