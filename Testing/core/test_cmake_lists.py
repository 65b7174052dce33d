"""What ships in the extension is what CMake lists: nothing forgotten, nothing missing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("TemporalRecon", "InstrumentTracker")

# Records the arguments and applies the one check of Slicer's macro that stops a real build.
STUB_MACROS = """
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MODULE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown arguments ${MODULE_UNPARSED_ARGUMENTS}")
  endif()
  foreach(kind SCRIPTS RESOURCES)
    foreach(file ${MODULE_${kind}})
      if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
        message(FATAL_ERROR "nonexistent file '${file}'")
      endif()
      file(APPEND ${RECORD} "${MODULE_NAME} ${kind} ${file}\\n")
      get_filename_component(folder ${file} DIRECTORY)
      install(FILES ${file} DESTINATION ${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}/${folder})
    endforeach()
  endforeach()
  file(APPEND ${RECORD} "${MODULE_NAME} GENERIC_TESTS ${MODULE_WITH_GENERIC_TESTS}\\n")
endfunction()
function(slicer_add_python_unittest)
  cmake_parse_arguments(TEST "" "SCRIPT" "" ${ARGN})
  file(APPEND ${RECORD} "${TEST_SCRIPT} UNITTEST registered\\n")
endfunction()
"""
STUB_CONFIG = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/macros.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${CMAKE_CURRENT_LIST_DIR}/metadata.cmake)
set(Slicer_EXTENSION_CPACK ${CMAKE_CURRENT_LIST_DIR}/cpack.cmake)
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR lib/qt-scripted-modules)
"""
STUB_METADATA = """
foreach(name HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  file(APPEND ${RECORD} "extension ${name} ${EXTENSION_${name}}\\n")
endforeach()
"""


def files_that_must_ship(module: str) -> set[str]:
    """Scripts and resources of a module in the working tree, without what git ignores."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", module],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    present = [name.removeprefix(f"{module}/") for name in names if (REPOSITORY / name).is_file()]
    return {name for name in present if name.endswith((".py", ".json", ".cxx")) or name.startswith("Resources/")}


def listed_files(module: str) -> list[str]:
    """File names of the two lists in a module's CMakeLists.txt, in their order."""
    text = (REPOSITORY / module / "CMakeLists.txt").read_text(encoding="utf-8")
    lists = re.findall(r"set\(MODULE_PYTHON_(?:SCRIPTS|RESOURCES)\n(.*?)\n\s*\)", text, flags=re.DOTALL)
    assert len(lists) == 2, f"{module}/CMakeLists.txt: expected one list of scripts and one of resources"
    return [line.strip().replace("${MODULE_NAME}", module) for block in lists for line in block.splitlines()]


@pytest.mark.parametrize("module", MODULES)
def test_every_script_and_resource_is_listed_and_every_listed_file_exists(module: str) -> None:
    listed, present = listed_files(module), files_that_must_ship(module)
    missing = sorted(present - set(listed))
    stale = sorted(set(listed) - present)
    advice = "".join(f"\n  add     {name}" for name in missing) + "".join(f"\n  remove  {name}" for name in stale)
    assert not advice, f"{module}/CMakeLists.txt:{advice}"


@pytest.mark.parametrize("module", MODULES)
def test_lists_are_sorted_and_name_every_file_once(module: str) -> None:
    listed = listed_files(module)
    assert listed[0] == f"{module}.py"
    scripts = [name for name in listed[1:] if name.endswith(".py")]
    resources = [name for name in listed if not name.endswith(".py")]
    assert scripts == sorted(set(scripts))
    assert resources == sorted(set(resources))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cmake")


@pytest.fixture(scope="module")
def configured(folder: Path) -> list[str]:
    """Lines recorded while CMake configures the extension against stand-ins for Slicer's macros."""
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    stub, record = folder / "Slicer", folder / "record.txt"
    stub.mkdir()
    (stub / "SlicerConfig.cmake").write_text(STUB_CONFIG, encoding="utf-8")
    (stub / "macros.cmake").write_text(STUB_MACROS, encoding="utf-8")
    (stub / "metadata.cmake").write_text(STUB_METADATA, encoding="utf-8")
    (stub / "cpack.cmake").write_text("", encoding="utf-8")
    result = subprocess.run(
        [
            *("cmake", "-S", str(REPOSITORY), "-B", str(folder / "build"), "-Wdev", "-Werror=dev"),
            *(f"-DSlicer_DIR={stub}", f"-DRECORD={record}", "-DBUILD_TESTING=ON"),
        ],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return record.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("module", MODULES)
def test_cmake_hands_both_modules_with_their_files_to_slicer(configured: list[str], module: str) -> None:
    handed = [line.split(" ", 2)[2] for line in configured if line.startswith((f"{module} SCRIPTS", f"{module} RES"))]
    assert handed == listed_files(module)
    assert f"{module} GENERIC_TESTS TRUE" in configured
    assert f"{module}.py UNITTEST registered" in configured


def test_the_extension_says_what_it_is_and_points_to_pictures_that_exist(configured: list[str]) -> None:
    said = {name: value for _, name, value in (line.split(" ", 2) for line in configured if line.startswith("extens"))}
    assert said["CATEGORY"] == "IGT"
    assert said["DEPENDS"] == "PyTorch"
    assert "not a medical device" in said["DESCRIPTION"]
    pictures = said["ICONURL"].split() + said["SCREENSHOTURLS"].split()
    assert len(pictures) >= 2
    for url in pictures:
        assert (REPOSITORY / url.partition("/main/")[2]).is_file(), f"{url} points to no file of this repository"


def test_the_requirements_slicer_installs_are_those_of_the_python_package() -> None:
    """Without numpy, scipy and SimpleITK, which Slicer brings and which pip must not replace under it."""
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", project, flags=re.DOTALL | re.MULTILINE)
    assert block is not None
    declared = set(re.findall(r'^\s*"([^"]+)"', block[1], flags=re.MULTILINE))
    text = (REPOSITORY / "TemporalRecon" / "Resources" / "requirements.txt").read_text(encoding="utf-8")
    shipped = {line for line in text.splitlines() if line and not line.startswith("#")}
    with_slicer = ("numpy", "scipy", "SimpleITK")
    assert shipped == {entry for entry in declared if not entry.startswith(with_slicer)}


IMPORTS = """
import sys
from pathlib import Path
from standins import desktop
desktop.install()
installed = Path(sys.argv[1])
for name in [name for name in sys.modules if name.startswith(("TemporalRecon", "InstrumentTracker"))]:
    del sys.modules[name]
sys.path[:] = [str(installed), *(path for path in sys.path if Path(path) not in desktop.MODULE_FOLDERS)]
import TemporalRecon, InstrumentTracker
assert Path(TemporalRecon.__file__).parent == Path(InstrumentTracker.__file__).parent == installed
import TemporalReconLib, InstrumentTrackerLib
assert Path(TemporalReconLib.__file__).parents[1] == Path(InstrumentTrackerLib.__file__).parents[1] == installed
from TemporalReconLib.weights.bundle import default_weights
assert default_weights("temporal").is_relative_to(installed)
"""


def test_what_is_installed_is_what_is_listed_and_both_modules_load_from_there(
    configured: list[str], folder: Path
) -> None:
    pytest.importorskip("slicer", reason="needs slicer-core (pip install -e '.[scene,test]')")
    pytest.importorskip("PySide6", reason="needs PySide6-Essentials (pip install -e '.[scene,test]')")
    prefix = folder / "installed"
    command = ["cmake", "--install", str(folder / "build"), "--prefix", str(prefix)]
    subprocess.run(command, check=True, capture_output=True)
    scripts = prefix / "lib" / "qt-scripted-modules"
    found = {path.relative_to(scripts).as_posix() for path in scripts.rglob("*") if path.is_file()}
    models = {name for name in found if name.startswith("Resources/Models/")}
    assert found - models == {name for module in MODULES for name in listed_files(module)}
    assert len(models) == sum(path.is_file() for path in (REPOSITORY / "Resources" / "Models").rglob("*"))
    result = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(scripts)],
        cwd=REPOSITORY / "Testing" / "widgets",
        env={"PATH": "", "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
