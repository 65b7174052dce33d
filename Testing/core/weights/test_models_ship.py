"""Trained models that are in the repository ship, whole, and an installed extension finds them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from TemporalReconLib.weights.bundle import BUNDLE_FILES, open_weights
from TemporalReconLib.weights.model_card import read_card
from weights_samples import save

REPOSITORY = Path(__file__).resolve().parents[3]
MODELS = REPOSITORY / "Resources" / "Models"
MAX_MB = 20
MODEL_LIST = re.compile(r"set\(EXTENSION_MODELS\n(.*?) *\)", flags=re.DOTALL)
STUB_CONFIG = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR lib/qt-scripted-modules)
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR lib/qt-scripted-modules)
"""


def files_in_the_repository() -> list[str]:
    """Files below Resources/Models in the working tree, without what git ignores."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "Resources/Models"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [name.removeprefix("Resources/Models/") for name in names if (REPOSITORY / name).is_file()]


def listed_models() -> list[str]:
    found = MODEL_LIST.search((REPOSITORY / "CMakeLists.txt").read_text("utf-8"))
    assert found is not None, "CMakeLists.txt: expected set(EXTENSION_MODELS, one name a line, )"
    return found[1].split()


def test_every_model_of_the_repository_is_listed_in_cmake_and_has_exactly_the_files_that_ship():
    models = listed_models()
    assert models == sorted(set(models))
    assert sorted(files_in_the_repository()) == sorted(f"{model}/{name}" for model in models for name in BUNDLE_FILES)


def test_every_model_of_the_repository_opens_fits_the_size_and_has_a_card():
    for model in listed_models():
        weights = open_weights(MODELS / model, model)
        assert weights.source.stat().st_size <= MAX_MB * 2**20
        assert weights.metadata["sha256"] in read_card(MODELS / model)


@pytest.fixture
def source_tree(tmp_path):
    """The extension with one model, and modules that hold nothing."""
    source = tmp_path / "source"
    for module in ("TemporalRecon", "InstrumentTracker"):
        (source / module).mkdir(parents=True)
        (source / module / "CMakeLists.txt").write_text("", "utf-8")
    save(source / "Resources" / "Models" / "temporal")
    text = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
    text = MODEL_LIST.sub("set(EXTENSION_MODELS\n  temporal\n  )", text)
    (source / "CMakeLists.txt").write_text(text, "utf-8")
    return source


def configure(source: Path, build: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    stub = source.parent / "Slicer"
    stub.mkdir(exist_ok=True)
    (stub / "SlicerConfig.cmake").write_text(STUB_CONFIG, "utf-8")
    (stub / "empty.cmake").write_text("", "utf-8")
    command = ["cmake", "-S", str(source), "-B", str(build), f"-DSlicer_DIR={stub}", "-Wdev", "-Werror=dev"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("tree", ["build", "install"])
def test_the_built_and_the_installed_extension_find_their_model(source_tree, tmp_path, tree):
    done = configure(source_tree, tmp_path / "build")
    assert done.returncode == 0, done.stderr
    if tree == "install":
        subprocess.run(["cmake", "--install", tmp_path / "build", "--prefix", tmp_path / "install"], check=True)
    packages = tmp_path / tree / "lib" / "qt-scripted-modules"
    shutil.copytree(
        REPOSITORY / "TemporalRecon" / "TemporalReconLib",
        packages / "TemporalReconLib",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    script = (
        "from TemporalReconLib.weights.bundle import default_weights, open_weights\n"
        "print(default_weights('temporal')); open_weights(default_weights('temporal'), 'temporal')"
    )
    found = subprocess.run([sys.executable, "-c", script], cwd=packages, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout.strip()) == (0, str(packages / "Resources" / "Models" / "temporal"))


def test_a_model_with_a_missing_file_stops_the_build(source_tree, tmp_path):
    (source_tree / "Resources" / "Models" / "temporal" / "models" / "model.safetensors").unlink()
    done = configure(source_tree, tmp_path / "build")
    assert done.returncode != 0
    assert "model.safetensors" in done.stderr
