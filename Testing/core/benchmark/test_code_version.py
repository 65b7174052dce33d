"""Which files decide on the numbers of benchmarks and studies."""

from pathlib import Path

import InstrumentTrackerLib
import TemporalReconLib
from TemporalReconLib.benchmark.code_version import ROOMS_WITHOUT_NUMBERS, code_files

LIBRARIES = (TemporalReconLib, InstrumentTrackerLib)


def counted() -> set[str]:
    return {path.relative_to(library.__path__[0]).as_posix() for library in LIBRARIES for path in code_files(library)}


def test_the_way_of_a_picture_from_the_simulator_to_the_tracked_tip_counts() -> None:
    assert {
        "simulation/simulated_series.py",
        "acquisition/masks.py",
        "engine/offline.py",
        "engine/pipeline.py",
        "engine/planning_fit.py",
        "reconstruction/registry.py",
        "localization/localizer.py",
        "benchmark/case_runner.py",
        "pipeline.py",
    } <= counted()


def test_no_panel_command_link_or_report_counts() -> None:
    rooms = ("cli", "module", "scene", "playback", "engine_client", "igtl", "mrd", "case_log", "reading")
    beginnings = tuple(f"{room}/" for room in (*rooms, "evaluation/study/report"))
    assert [name for name in counted() if name.startswith(beginnings)] == []


def test_a_room_that_is_left_out_exists() -> None:
    """One that was renamed would count again, and nobody would notice."""
    for room in ROOMS_WITHOUT_NUMBERS:
        assert any((Path(library.__path__[0]) / room).is_dir() for library in LIBRARIES), room
