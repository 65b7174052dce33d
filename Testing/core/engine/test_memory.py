"""The engine does not grow while frames keep coming; the short form of the benchmark that measures it."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "engine.py"
# One frame of the benchmark has 12.6 MB: an engine that kept every tenth frame would fail.
ALLOWED_GROWTH_MB = 40.0


def test_sixty_frames_leave_no_memory_behind(tmp_path):
    output = tmp_path / "engine.json"
    command = [sys.executable, str(BENCHMARK), "--frames", "60", "--methods", "--skip-tracking", "--output", output]
    done = subprocess.run([*command, "--engine-option=--device=cpu"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    memory = json.loads(output.read_text())["memory"]
    assert memory["n_frames"] == 60
    # The slope is that of the last 54 frames.
    assert memory["slope_mb_per_1000_frames"] * 54 / 1000 < ALLOWED_GROWTH_MB
