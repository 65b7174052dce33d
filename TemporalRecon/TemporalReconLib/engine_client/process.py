"""The engine as a process of its own: started, watched and stopped without ever blocking the caller.

A crash of the engine (CUDA, memory) never takes Slicer down, and the reason it ended is kept for the user.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from TemporalReconLib.errors import InputError

STOP_GRACE_S = 2.0
LOG_TAIL_LINES = 200
# CREATE_NO_WINDOW and BELOW_NORMAL_PRIORITY_CLASS.
_ON_WINDOWS = 0x08000000 | 0x00004000
_PACKAGE_FOLDER = Path(__file__).resolve().parents[2]


class ProcessState(str, Enum):
    """What the engine process is doing."""

    STOPPED = "stopped"
    ALIVE = "alive"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True)
class ExitReason:
    """Why a process ended that nobody stopped, and what the user can do about it."""

    reason: str
    advice: str


class EngineProcess:
    """Starts ``MODULE`` as a child process and keeps the last lines it wrote.

    Parameters
    ----------
    module
        Package to run, as after ``python -m``.
    python
        Interpreter; in Slicer the path of ``PythonSlicer``.
    search_paths
        Folders that hold our packages, put before the child's own module path.
    log_folder
        Where the log file is written. By default a temporary folder that goes with this object, unless the engine
        failed: then somebody will want to read it.
    """

    def __init__(
        self,
        module: str,
        python: str = sys.executable,
        search_paths: Sequence[Path] = (),
        log_folder: Path | None = None,
    ) -> None:
        self._module = module
        self._python = python
        self._search_paths = [_PACKAGE_FOLDER, *search_paths]
        self._log_folder = log_folder
        self._discard_log: weakref.finalize[..., EngineProcess] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._lines: deque[str] = deque(maxlen=LOG_TAIL_LINES)
        self._stop_requested = False
        self.log_path: Path | None = None

    def start(self, arguments: Sequence[str]) -> None:
        """Start with these arguments; returns at once.

        Raises
        ------
        InputError
            If it runs already or the interpreter cannot be started.
        """
        if self.state in (ProcessState.ALIVE, ProcessState.STOPPING):
            raise InputError(f"{self._module}: the engine still runs; stop it before starting again")
        if self._log_folder is None:
            self._log_folder = Path(tempfile.mkdtemp(prefix="inboreguidance-"))
            self._discard_log = weakref.finalize(self, shutil.rmtree, self._log_folder, ignore_errors=True)
        self.log_path = self._log_folder / f"{self._module}.log"
        self._lines.clear()
        self._stop_requested = False
        # A session of its own: the launcher of Slicer's Python and the interpreter below it end together.
        try:
            self._process = subprocess.Popen(
                [self._python, "-m", "TemporalReconLib.engine_client.child", self._module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=sys.platform != "win32",
                creationflags=_ON_WINDOWS if sys.platform == "win32" else 0,
            )
        except OSError as error:
            raise InputError(f"{self._python}: cannot start the engine ({error.strerror}); reinstall Slicer") from error
        self._reader = threading.Thread(target=self._read, args=(self._process,), name="engine-log", daemon=True)
        self._reader.start()

    @property
    def state(self) -> ProcessState:
        """The state now."""
        if self._process is None:
            return ProcessState.STOPPED
        if self._process.poll() is None:
            return ProcessState.STOPPING if self._stop_requested else ProcessState.ALIVE
        return ProcessState.STOPPED if self._stop_requested else ProcessState.FAILED

    @property
    def process_id(self) -> int | None:
        """The operating system's number of the running process."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log_tail(self) -> list[str]:
        """The last lines the engine wrote."""
        return list(self._lines)

    @property
    def exit_reason(self) -> ExitReason | None:
        """Why the engine ended by itself; None while it runs or after it was stopped."""
        if self.state is not ProcessState.FAILED or self._process is None:
            return None
        if self._reader is not None:
            self._reader.join(timeout=0.2)  # the last line may still be in the pipe
        return explain_exit(self._process.returncode, self.log_tail)

    def stop(self, wait: bool = False) -> None:
        """Ask the engine to end, and kill it if it has not after two seconds.

        Parameters
        ----------
        wait
            True returns only when it is gone (at most some two seconds); False at once.
        """
        process = self._process
        if process is None or process.poll() is not None:
            self._stop_requested = True
            return
        if not self._stop_requested:
            self._stop_requested = True
            _ask_to_end(process)
            threading.Thread(target=_kill_when_late, args=(process,), name="engine-stop", daemon=True).start()
        if wait:
            process.wait(STOP_GRACE_S + 3.0)

    def _environment(self) -> dict[str, str]:
        environment = dict(os.environ)
        paths = [str(path) for path in self._search_paths]
        if environment.get("PYTHONPATH"):
            paths.append(environment["PYTHONPATH"])
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
        environment |= {"PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}
        return environment

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert self.log_path is not None and process.stdout is not None
        with self.log_path.open("w", encoding="utf-8") as log, process.stdout as stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").rstrip()
                self._lines.append(line)
                log.write(line + "\n")
                log.flush()
        process.wait()
        _close_input(process)
        if self._discard_log is not None and not self._stop_requested:
            self._discard_log.detach()


def explain_exit(return_code: int, log_tail: Sequence[str]) -> ExitReason:
    """Turn an exit code and the last lines of the log into one reason and one piece of advice.

    Exit code 2 is bad usage or input: its last line says what is wrong and what to do already.
    """
    last = next((line.strip() for line in reversed(log_tail) if line.strip()), "")
    text = "\n".join(log_tail[-30:]).lower()
    if "no module named" in text:
        return ExitReason(last, "Press Start again and accept the installation of the missing Python packages.")
    if "address already in use" in text or "address in use" in text or "errno 98" in text or "10048" in text:
        return ExitReason(last, "Another program uses this port: stop it, or choose another port.")
    if "out of memory" in text:
        return ExitReason(last, "Choose device cpu, or close other programs that use the GPU.")
    if return_code == 2:
        return ExitReason(last or "The engine refused its settings.", "Correct the setting and press Start.")
    if return_code < 0:
        name = _signal_name(-return_code)
        hint = " (usually the computer ran out of memory)" if name == "SIGKILL" else ""
        return ExitReason(
            f"The engine was ended by {name}{hint}.",
            "Press Start; if it happens again, send the log to the developers.",
        )
    if return_code == 0:
        return ExitReason("The engine ended by itself.", "Press Start to start it again.")
    return ExitReason(
        last or f"The engine ended with exit code {return_code}.",
        "Press Start; if it happens again, send the log to the developers.",
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        _close_input(process)  # child.py ends when its standard input closes; there is no SIGTERM
    else:
        _signal_group(process, signal.SIGTERM)


def _kill_when_late(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_GRACE_S)
    except subprocess.TimeoutExpired:
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        else:
            _signal_group(process, signal.SIGKILL)
        process.wait()
    _close_input(process)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal the child and everything it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return  # it ended in the meantime


def _close_input(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
