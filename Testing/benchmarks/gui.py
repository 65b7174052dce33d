"""How long a live session keeps the panel from answering, what a picture costs it, and whether it grows.

Each module's real panel runs on the tests' stand-ins for Slicer's widgets (never the Slicer desktop), against its real
engine process, while a scanner process plays a simulated biopsy round and round. Blocked: the longest time in which
a Qt timer did not fire, as the user would feel it, and the processor time of the panel's thread within it; on a busy
machine the first includes waiting for a core. Update: what one timer call costs that shows a new picture, without
rendering the views, as time and as processor time. Memory: resident set of the panel's process, slope after the first
tenth.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import slicer

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))

from standins import desktop

MODULES = ("TemporalRecon", "InstrumentTracker")
HEARTBEAT_MS = 5
START_TIMEOUT_S = 120.0
LONGEST_PICTURE_S = 1.0  # on average, on a busy machine
# Goals of the panels: blocked and update times in ms, growth in MB per 1000 frames.
MAX_BLOCKED_MS, MAX_UPDATE_MS, MAX_GROWTH_MB = 50.0, 15.0, 2.0


class Beats:
    """Times between heartbeats, ms, counted in bins of 0.1 ms: a list of them would be most of the growth."""

    BIN_MS, N_BINS = 0.1, 20_000

    def __init__(self) -> None:
        self._counts = np.zeros(self.N_BINS, dtype=np.int64)
        self.max_ms = 0.0

    def note(self, time_ms: float) -> None:
        self._counts[min(max(int(time_ms / self.BIN_MS), 0), self.N_BINS - 1)] += 1
        self.max_ms = max(self.max_ms, time_ms)

    def percentile_ms(self, percent: float) -> float:
        """Upper edge of the bin in which it lies."""
        cumulated = np.cumsum(self._counts)
        return float((np.searchsorted(cumulated, percent / 100 * cumulated[-1]) + 1) * self.BIN_MS)


@dataclass
class Session:
    """What was noted during one session; times in ms. Packed numbers: lists would be most of the growth."""

    blocked: Beats = field(default_factory=Beats)
    blocked_cpu: Beats = field(default_factory=Beats)
    updates: array[float] = field(default_factory=lambda: array("d"))
    updates_cpu: array[float] = field(default_factory=lambda: array("d"))
    resident_mb: array[float] = field(default_factory=lambda: array("d"))
    nodes: array[int] = field(default_factory=lambda: array("q"))

    def figures(self) -> dict[str, Any]:
        settled = slice(len(self.resident_mb) // 10, None)
        counts = np.arange(len(self.resident_mb))[settled]
        slope = float(np.polyfit(counts, self.resident_mb[settled], 1)[0]) if len(counts) > 1 else 0.0
        return {
            "pictures": len(self.updates),
            "blocked_max_ms": round(self.blocked.max_ms, 1),
            "blocked_p99_ms": round(self.blocked.percentile_ms(99), 1),
            "blocked_cpu_max_ms": round(self.blocked_cpu.max_ms, 1),
            "update_median_ms": round(float(np.median(self.updates)), 1),
            "update_p95_ms": round(float(np.percentile(self.updates, 95)), 1),
            "update_max_ms": round(max(self.updates), 1),
            "update_cpu_median_ms": round(float(np.median(self.updates_cpu)), 1),
            "update_cpu_p95_ms": round(float(np.percentile(self.updates_cpu, 95)), 1),
            "update_cpu_max_ms": round(max(self.updates_cpu), 1),
            "growth_mb_per_1000": round(1000 * slope, 2),
            "resident_mb": [round(value, 1) for value in self.resident_mb[:: max(len(self.resident_mb) // 10, 1)]],
            "nodes": [min(self.nodes), max(self.nodes)],
        }


def simulate(folder: Path, matrix: int, n_slices: int, n_frames: int) -> Path:
    """A simulated biopsy that is played round and round."""
    path = folder / f"case-{matrix}.h5"
    command = [sys.executable, "-m", "TemporalReconLib", "simulate", "--output", str(path), "--mask", "golden"]
    command += ["--matrix", str(matrix), "--slices", str(n_slices), "--frames", str(n_frames), "--coils", "2"]
    subprocess.run(command, check=True, capture_output=True, env=engine_environment())
    return path


def engine_environment() -> dict[str, str]:
    """Where a process of ours finds the packages of both modules."""
    folders = [str(folder) for folder in desktop.MODULE_FOLDERS]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}


def play(path: Path, port: int, rate_fps: float) -> None:
    """Be the scanner until killed."""
    from TemporalReconLib.engine.offline import SeriesOptions, open_for_playing
    from TemporalReconLib.playback.series_player import SeriesPlayer

    opened = open_for_playing(path, SeriesOptions())
    SeriesPlayer(lambda: opened, "127.0.0.1", port, rate_fps=rate_fps, is_looping=True).play()
    while True:
        time.sleep(1.0)


class Panel:
    """A module's panel with its engine, and what is noted of it."""

    def __init__(self, module: str, port: int) -> None:
        self.app = desktop.install()
        folder = next(folder for folder in desktop.MODULE_FOLDERS if folder.name == module)
        self.module = module
        self.widget = desktop.load_module(folder / f"{module}.py")[2]
        self.widget.parent.resize(440, 900)
        self.widget.parent.show()
        ui = self.widget.ui
        ui.portSpinBox.value = port
        ui.methodComboBox.currentText = "sliding-window"
        ui.deviceComboBox.currentText = "cpu"
        if hasattr(ui, "segmenterLineEdit"):
            ui.segmenterLineEdit.text = "classical"
        views = self.app.layoutManager()
        for name in views.sliceViewNames():  # they are there before a module is opened
            views.sliceWidget(name).sliceView().renderWindow()
        views.threeDWidget(0).threeDView().renderWindow()
        self.session: Session | None = None
        self._shown = ""
        self._timer = self._replace_timer_call()
        self._heartbeat = self._make_heartbeat()

    def _replace_timer_call(self) -> Any:
        timer, on_timer = self.widget._timer, self.widget.onTimer
        timer.disconnect("timeout()", on_timer)
        timer.connect("timeout()", self._noted(on_timer))
        return timer

    def _noted(self, on_timer: Callable[[], None]) -> Callable[[], None]:
        process = psutil.Process()

        def call() -> None:
            newest = self.widget.logic.session.newest("RECON")
            index = "" if newest is None else newest.metadata.get("TR.FrameIndex", "")
            begin, cpu = time.perf_counter(), time.thread_time()
            on_timer()
            elapsed_ms, cpu_ms = 1e3 * (time.perf_counter() - begin), 1e3 * (time.thread_time() - cpu)
            if index != self._shown and self.session is not None:
                self.session.updates.append(elapsed_ms)
                self.session.updates_cpu.append(cpu_ms)
                self.session.resident_mb.append(process.memory_info().rss / 1e6)
                self.session.nodes.append(slicer.mrmlScene.GetNumberOfNodes())
            self._shown = index

        return call

    def _make_heartbeat(self) -> Any:
        import qt

        last = [time.perf_counter(), time.thread_time()]

        def beat() -> None:
            now, cpu = time.perf_counter(), time.thread_time()
            if self.session is not None:
                self.session.blocked.note(1e3 * (now - last[0]) - HEARTBEAT_MS)
                self.session.blocked_cpu.note(1e3 * (cpu - last[1]))
            last[:] = [now, cpu]

        timer = qt.QTimer()
        timer.setTimerType(qt.Qt.PreciseTimer)
        timer.setInterval(HEARTBEAT_MS)
        timer.connect("timeout()", beat)
        timer.start()
        return timer

    def run_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Let Qt work as in Slicer: it sleeps until something is to do."""
        from PySide6 import QtCore

        loop, deadline = QtCore.QEventLoop(), time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.module}: {self.widget.ui.stateLabel.text}")
            loop.processEvents(QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def close(self) -> None:
        self._heartbeat.stop()
        self.widget.ui.stopButton.click()
        desktop.unload_module(self.module)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(module: str, case: Path, rate_fps: float, seconds: float, n_pictures: int = 0) -> dict[str, Any]:
    """One session of at least ``seconds`` and ``n_pictures``, from the click on Start."""
    port = free_port()
    panel = Panel(module, port)
    scanner = None
    try:
        panel.session = Session()
        panel.widget.ui.startButton.click()
        panel.run_until(lambda: "Waiting" in panel.widget.ui.stateLabel.text, START_TIMEOUT_S)
        command = [sys.executable, __file__, "--play", str(case), "--to", str(port), "--rate", str(rate_fps)]
        scanner = subprocess.Popen(command, env=engine_environment())
        panel.run_until(lambda: "Running" in panel.widget.ui.stateLabel.text, START_TIMEOUT_S)
        session, begin = panel.session, time.monotonic()
        panel.run_until(
            lambda: time.monotonic() - begin > seconds and len(session.updates) >= n_pictures,
            seconds + 5 * START_TIMEOUT_S + n_pictures * LONGEST_PICTURE_S,
        )
        elapsed = time.monotonic() - begin
        panel.session = None
        session.nodes = session.nodes[len(session.nodes) // 10 :]
        return {"module": module, "seconds": round(elapsed, 1), **session.figures()}
    finally:
        if scanner is not None:
            scanner.kill()
            scanner.wait()
        panel.close()


def print_report(rows: list[dict[str, Any]]) -> None:
    write = sys.stdout.write
    write(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; times in ms\n")
    write(f"{'module':18}{'frames of':12}{'s':>6}{'shown':>7}{'blocked max':>13}{'(cpu)':>7}{'p99':>6}")
    write(f"{'update median':>15}{'p95':>7}{'max':>7}{'(cpu':>7}{'p95':>7}{'max)':>7}{'MB/1000':>9}{'nodes':>10}\n")
    for row in rows:
        write(f"{row['module']:18}{row['size']:12}{row['seconds']:>6.0f}{row['pictures']:>7}")
        write(f"{row['blocked_max_ms']:>13}{row['blocked_cpu_max_ms']:>7}{row['blocked_p99_ms']:>6}")
        write(f"{row['update_median_ms']:>15}{row['update_p95_ms']:>7}{row['update_max_ms']:>7}")
        write(f"{row['update_cpu_median_ms']:>7}{row['update_cpu_p95_ms']:>7}{row['update_cpu_max_ms']:>7}")
        write(f"{row['growth_mb_per_1000']:>9}{'-'.join(map(str, row['nodes'])):>10}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", nargs="*", choices=MODULES, default=MODULES, help="(both)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a session with frames of 256 (%(default)s)")
    parser.add_argument("--pictures", type=int, default=2000, help="of the session with small frames (%(default)s)")
    parser.add_argument("--matrix", type=int, default=256, help="rows and columns of the large frames (%(default)s)")
    parser.add_argument("--small-matrix", type=int, default=64, help="of the small frames (%(default)s)")
    parser.add_argument("--slices", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--rate", type=float, default=5.0, help="frames per second of the scanner (%(default)s)")
    parser.add_argument("--output", type=Path, help="write the figures as JSON")
    parser.add_argument("--play", type=Path, metavar="CASE", help="be the scanner that plays this file, with --to")
    parser.add_argument("--to", type=int, metavar="PORT", help="see --play")
    arguments = parser.parse_args()
    if arguments.play is not None:
        play(arguments.play, arguments.to, arguments.rate)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for matrix, seconds, pictures, rate in (
            (arguments.matrix, arguments.seconds, 0, arguments.rate),
            (arguments.small_matrix, 0.0, arguments.pictures, 4 * arguments.rate),
        ):
            if seconds or pictures:
                case = simulate(Path(folder), matrix, arguments.slices, 40)
                size = f"{matrix}x{matrix}x{arguments.slices}"
                for module in arguments.modules:
                    rows.append({"size": size, **measure(module, case, rate, seconds, pictures)})
    print_report(rows)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0]}
        arguments.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
