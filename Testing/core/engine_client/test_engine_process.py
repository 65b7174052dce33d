"""The engine process is started, watched and stopped; real child processes, no torch."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from TemporalReconLib.engine_client.child import NICENESS
from TemporalReconLib.engine_client.process import EngineProcess, ProcessState, explain_exit
from TemporalReconLib.errors import InputError
from waiting import wait_until

EngineMaker = Callable[[str], EngineProcess]


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[EngineMaker]:
    engines: list[EngineProcess] = []

    def make(source: str) -> EngineProcess:
        (tmp_path / "small_engine.py").write_text(textwrap.dedent(source), encoding="utf-8")
        engine = EngineProcess("small_engine", search_paths=[tmp_path], log_folder=tmp_path)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.stop(wait=True)


def is_running(process_id: int) -> bool:
    """True for a process that runs; a zombie waiting for its parent does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_an_engine_gets_its_arguments_and_its_lines_are_kept_and_logged(make_engine: EngineMaker) -> None:
    engine = make_engine("import sys, time; print('got', sys.argv[1:]); time.sleep(60)")
    assert engine.state is ProcessState.STOPPED
    engine.start(["serve", "--port", "18944"])
    assert engine.state is ProcessState.ALIVE
    wait_until(lambda: engine.log_tail == ["got ['serve', '--port', '18944']"])
    assert engine.log_path is not None
    assert engine.log_path.read_text(encoding="utf-8") == "got ['serve', '--port', '18944']\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there the parent sets the priority class")
def test_an_engine_steps_behind_the_panel_that_started_it(make_engine: EngineMaker) -> None:
    """Where an engine computed on both cores, a panel was held up by 70 to 80 ms at most; behind it, by 39 to 64."""
    engine = make_engine("import os, time; print(os.nice(0)); time.sleep(60)")
    engine.start([])
    wait_until(lambda: engine.log_tail != [])
    assert engine.log_tail == [str(min(19, os.nice(0) + NICENESS))]
    group = Path(f"/proc/{engine.process_id}/autogroup")
    if group.exists():
        assert group.read_text(encoding="ascii").strip().endswith(f"nice {NICENESS}")


def test_stopping_ends_the_process_within_the_grace_and_is_no_failure(make_engine: EngineMaker) -> None:
    engine = make_engine("import time; print('up'); time.sleep(60)")
    engine.start([])
    wait_until(lambda: engine.log_tail == ["up"])
    process_id = engine.process_id
    assert process_id is not None
    engine.stop(wait=True)
    assert engine.state is ProcessState.STOPPED
    assert engine.exit_reason is None
    assert not is_running(process_id)


def test_stopping_returns_at_once_and_kills_an_engine_that_ignores_it(make_engine: EngineMaker) -> None:
    engine = make_engine(
        """
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: print('asked'))
        print('up')
        while True:
            time.sleep(0.1)
        """
    )
    engine.start([])
    wait_until(lambda: engine.log_tail == ["up"])
    begin = time.monotonic()
    engine.stop()
    assert time.monotonic() - begin < 0.1
    assert engine.state is ProcessState.STOPPING
    wait_until(lambda: engine.state is ProcessState.STOPPED, 4.0)
    assert "asked" in engine.log_tail


def test_an_engine_may_clean_up_when_it_is_stopped(make_engine: EngineMaker) -> None:
    engine = make_engine(
        """
        import signal, sys, time
        def clean_up(*_):
            print('recording closed')
            sys.exit(0)
        signal.signal(signal.SIGTERM, clean_up)
        print('up')
        time.sleep(60)
        """
    )
    engine.start([])
    wait_until(lambda: engine.log_tail == ["up"])
    engine.stop(wait=True)
    wait_until(lambda: engine.log_tail[-1] == "recording closed")


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are a POSIX notion")
def test_what_the_engine_started_ends_with_it(make_engine: EngineMaker) -> None:
    engine = make_engine(
        """
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        print(child.pid)
        time.sleep(60)
        """
    )
    engine.start([])
    wait_until(lambda: bool(engine.log_tail))
    grandchild = int(engine.log_tail[0])
    assert is_running(grandchild)
    engine.stop(wait=True)
    wait_until(lambda: not is_running(grandchild))


@pytest.mark.skipif(sys.platform == "win32", reason="uses SIGKILL")
def test_an_engine_ends_when_slicer_is_killed(tmp_path: Path) -> None:
    (tmp_path / "small_engine.py").write_text("import time; print('up'); time.sleep(60)", encoding="utf-8")
    parent_source = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from TemporalReconLib.engine_client.process import EngineProcess
        engine = EngineProcess("small_engine", search_paths=[Path(sys.argv[1])], log_folder=Path(sys.argv[1]))
        engine.start([])
        while not engine.log_tail:
            time.sleep(0.01)
        print(engine.process_id, flush=True)
        time.sleep(60)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_source, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    engine_id = int(parent.stdout.readline())
    assert is_running(engine_id)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not is_running(engine_id), 5.0)


def test_bad_settings_are_reported_with_the_engines_own_line(make_engine: EngineMaker) -> None:
    engine = make_engine("import sys; sys.exit(sys.stderr.write(\"unknown method 'x', expected one of: y\\n\") and 2)")
    engine.start([])
    wait_until(lambda: engine.state is ProcessState.FAILED)
    assert engine.exit_reason is not None
    assert engine.exit_reason.reason == "unknown method 'x', expected one of: y"
    assert "Correct the setting" in engine.exit_reason.advice


@pytest.mark.skipif(sys.platform == "win32", reason="uses SIGKILL")
def test_an_engine_killed_from_outside_is_a_failure_that_names_the_signal(make_engine: EngineMaker) -> None:
    engine = make_engine("import time; print('up'); time.sleep(60)")
    engine.start([])
    wait_until(lambda: engine.log_tail == ["up"])
    assert engine.process_id is not None
    os.kill(engine.process_id, signal.SIGKILL)
    wait_until(lambda: engine.state is ProcessState.FAILED)
    assert engine.exit_reason is not None
    assert "SIGKILL" in engine.exit_reason.reason
    assert "memory" in engine.exit_reason.reason


def test_a_failed_engine_starts_again_and_a_running_one_does_not(make_engine: EngineMaker) -> None:
    engine = make_engine("import sys, time; sys.exit(1) if sys.argv[1] == 'fail' else time.sleep(60)")
    engine.start(["fail"])
    wait_until(lambda: engine.state is ProcessState.FAILED)
    engine.start(["run"])
    assert engine.state is ProcessState.ALIVE
    assert engine.exit_reason is None
    with pytest.raises(InputError, match="still runs"):
        engine.start(["run"])


def log_of_an_engine_without_a_log_folder(folder: Path, source: str) -> Path:
    """Where the log was while there was a client, which is gone on return."""
    (folder / "small_engine.py").write_text(source, encoding="utf-8")
    engine = EngineProcess("small_engine", search_paths=[folder])
    engine.start([])
    assert engine.log_path is not None and engine._reader is not None
    wait_until(engine.log_path.exists)
    if "sleep" not in source:
        wait_until(lambda: engine.state is ProcessState.FAILED)
    engine.stop(wait=True)
    engine._reader.join(timeout=5.0)
    return engine.log_path


@pytest.mark.parametrize(("source", "stays"), [("import time; time.sleep(60)", False), ("raise SystemExit(1)", True)])
def test_only_the_log_of_an_engine_that_failed_outlives_its_client(tmp_path: Path, source: str, stays: bool) -> None:
    log = log_of_an_engine_without_a_log_folder(tmp_path, source)
    gc.collect()
    assert log.exists() is stays
    shutil.rmtree(log.parent, ignore_errors=True)


def test_a_missing_interpreter_is_one_clear_error(tmp_path: Path) -> None:
    engine = EngineProcess("small_engine", python=str(tmp_path / "PythonSlicer"), log_folder=tmp_path)
    with pytest.raises(InputError, match="PythonSlicer: cannot start the engine"):
        engine.start([])
    assert engine.state is ProcessState.STOPPED


@pytest.mark.parametrize(
    ("return_code", "line", "advice"),
    [
        (1, "ModuleNotFoundError: No module named 'torch'", "accept the installation"),
        (1, "OSError: [Errno 98] Address already in use", "another port"),
        (1, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "device cpu"),
        (2, "port 18944 on 127.0.0.1: address already in use", "another port"),
        (1, "ValueError: something odd", "send the log"),
        (0, "", "Press Start"),
    ],
)
def test_each_known_end_has_advice_a_user_can_follow(return_code: int, line: str, advice: str) -> None:
    explained = explain_exit(return_code, ["some earlier line", line] if line else [])
    assert advice in explained.advice
    assert explained.reason
    if line:
        assert explained.reason == line
