"""A desktop of stand-ins, and modules loaded into it."""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

pytest.importorskip("slicer", reason="needs slicer-core (pip install -e '.[scene,test]')")
pytest.importorskip("PySide6", reason="needs PySide6-Essentials (pip install -e '.[scene,test]')")

from standins import desktop
from TemporalReconLib.engine_client.session import EngineSession

Waiter = Callable[[Callable[[], Any]], None]
SMALL_ENGINE_FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def app() -> Any:
    return desktop.install()


@pytest.fixture(autouse=True)
def errors_in_callbacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """Fail the test for an exception in a slot or observer, which Qt and VTK only print."""
    caught: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _, error, __: caught.append(error))
    yield caught
    assert not caught, "".join(part for error in caught for part in traceback.format_exception(error))


@pytest.fixture
def scene(app: Any) -> Iterator[Any]:
    import qt
    import slicer

    qt.QSettings().clear()  # what an earlier test left for the next start
    slicer.mrmlScene.Clear(0)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear(0)


@pytest.fixture
def recon(scene: Any) -> Iterator[Any]:
    """The widget of Temporal Recon."""
    yield desktop.load_module(desktop.MODULE_FOLDERS[0] / "TemporalRecon.py")[2]
    desktop.unload_module("TemporalRecon")


@pytest.fixture
def tracker(scene: Any) -> Iterator[Any]:
    """The widget of Instrument Tracker."""
    yield desktop.load_module(desktop.MODULE_FOLDERS[1] / "InstrumentTracker.py")[2]
    desktop.unload_module("InstrumentTracker")


@pytest.fixture
def wait_until(app: Any) -> Waiter:
    """Let Qt work until a condition holds."""

    def wait(condition: Callable[[], Any], timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "condition not met in time"
            app.processEvents()
            time.sleep(0.01)

    return wait


@pytest.fixture
def port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def use_small_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], None]:
    """Let a widget start ``small_engine.py`` in one of its manners instead of the real engine."""

    def use(widget: Any, manner: str) -> None:
        monkeypatch.setenv("SMALL_ENGINE_MANNER", manner)
        status_device = type(widget).__name__.removesuffix("Widget")
        widget.logic.session = EngineSession(
            "small_engine", search_paths=[SMALL_ENGINE_FOLDER], status_device=status_device
        )

    return use
