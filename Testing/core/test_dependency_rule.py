"""Which package may import which, read from the sources and tried in a fresh interpreter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARIES = {
    "TemporalReconLib": REPOSITORY / "TemporalRecon" / "TemporalReconLib",
    "InstrumentTrackerLib": REPOSITORY / "InstrumentTracker" / "InstrumentTrackerLib",
}
MODULE_FILES = {name: REPOSITORY / name / f"{name}.py" for name in ("TemporalRecon", "InstrumentTracker")}
SLICER_NAMES = {"slicer", "qt", "ctk", "vtk", "vtkmodules", "mrml"}
HEAVY_NAMES = {"torch", "monai"}


def imported_names(source: Path) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every import in a file, inside functions too."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"), str(source))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: relative import; name the package"
            yield node.lineno, (node.module or "").partition(".")[0]


def violations(folder: Path, forbidden: set[str], exempt: str = "") -> list[str]:
    return [
        f"{source.relative_to(REPOSITORY)}:{line} imports {name}"
        for source in sorted(folder.rglob("*.py"))
        if not (exempt and source.name.startswith(exempt))
        for line, name in imported_names(source)
        if name in forbidden
    ]


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_import_slicer_qt_ctk_vtk_only_in_mrml_files(library: str) -> None:
    assert violations(LIBRARIES[library], SLICER_NAMES, exempt="mrml") == []


def test_reconstruction_never_imports_the_tracker() -> None:
    assert violations(LIBRARIES["TemporalReconLib"], {"InstrumentTrackerLib", "InstrumentTracker"}) == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_rooms_of_a_library_import_one_way(library: str) -> None:
    """Data flows one way, and so do imports: no room needs itself, over however many others."""
    folder = LIBRARIES[library]
    uses: dict[str, set[str]] = {}
    for source in folder.rglob("*.py"):
        room = source.relative_to(folder).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"), str(source))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{library}."):
                uses.setdefault(room, set()).add((node.module or "").split(".")[1])
    TopologicalSorter({room: others - {room} for room, others in uses.items()}).prepare()  # CycleError names the rooms


def test_libraries_never_import_the_module_files() -> None:
    for folder in LIBRARIES.values():
        assert violations(folder, set(MODULE_FILES)) == []


@pytest.mark.parametrize("module", MODULE_FILES)
def test_module_files_and_panels_never_import_torch_or_monai_by_name(module: str) -> None:
    """The engine process computes; the Slicer process must not load torch even when a button is pressed."""
    panel = (LIBRARIES[f"{module}Lib"] / "module").glob("*.py")
    names = [name for path in (MODULE_FILES[module], *panel) for _, name in imported_names(path)]
    assert set(names) & HEAVY_NAMES == set()


def test_what_slicer_imports_while_guiding_loads_without_torch() -> None:
    """Link, feed and session run in the Slicer process: a broken GPU library must not take it down."""
    modules = (
        "TemporalReconLib.engine_client.session",
        "TemporalReconLib.engine_client.link",
        "InstrumentTrackerLib.guidance.feed",
    )
    script = "\n".join([*(f"import {name}" for name in modules), "import sys", "print('torch' in sys.modules)"])
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "False"
