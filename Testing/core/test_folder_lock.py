"""Two commands never write into one folder; one that was killed does not keep the next one out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from TemporalReconLib.errors import InputError
from TemporalReconLib.folder_lock import alone_in

HOLDER = """
import sys, time
from pathlib import Path
from TemporalReconLib.folder_lock import alone_in
with alone_in(Path(sys.argv[1]), "evaluate"):
    print("here", flush=True)
    time.sleep(60)
"""


def test_the_second_is_refused_and_a_dead_one_does_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        with pytest.raises(InputError, match="another 'train' is working in it"), alone_in(folder, "train"):
            pass
    finally:
        other.kill()
        other.wait()
    with alone_in(folder, "train"):
        pass


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be made"), alone_in(tmp_path / "file", "train"):
        pass
