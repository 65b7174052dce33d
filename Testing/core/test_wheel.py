"""The wheel of a remote engine brings packages, commands and trained models."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = REPOSITORY / "Resources" / "Models"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What a freshly built wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # Built from what git knows: setuptools would write its build folders into the repository.
    source.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    subprocess.run([*command, "--wheel-dir", str(folder)], cwd=source, check=True)
    (wheel,) = folder.glob("*.whl")
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
