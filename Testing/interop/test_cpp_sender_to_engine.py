"""A scanner bridge built with the reference C++ library plays k-space to a real engine process.

Debian's library speaks the old protocol: version 1 headers, no metadata, so no frame numbers, no mask, no names.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from TemporalReconLib.acquisition.masks import sampling_mask
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.igtl.client import IgtlClient

SOURCE = Path(__file__).parent / "cpp" / "kspace_sender.cxx"
INCLUDE = Path("/usr/include/openigtlink")
N_COILS, N_SLICES, N_ROWS, N_COLUMNS = 4, 3, 64, 48
ACCELERATION, N_FRAMES = 8.0, 12

# What kspace_sender.cxx says of the place: i to A, j to L, k to S, and where the center of the image lies.
AXES = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
SPACING = np.array([1.5, 1.25, 4.0])
CENTER = np.array([10.0, -20.0, 30.0])

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("g++") is None or not INCLUDE.is_dir(),
        reason="needs g++ and libopenigtlink-dev (apt-get install libopenigtlink-dev)",
    ),
]


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("cpp") / "kspace_sender"
    command = ["g++", "-std=c++14", f"-I{INCLUDE}", str(SOURCE), "-o", str(program), "-lOpenIGTLink", "-lpthread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture
def engine_port() -> Iterator[int]:
    command = [sys.executable, "-m", "TemporalReconLib", "serve", "--port", "0", "--method", "sliding-window"]
    with subprocess.Popen([*command, "--device", "cpu"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ports = (re.match(r"listening on .*:(\d+)", line) for line in process.stdout)
            yield next(int(found[1]) for found in ports if found)
        finally:
            process.terminate()


def still_object() -> np.ndarray:
    """Different in every slice and without symmetry, so that swapped axes and slices show; (slice, row, col)."""
    image = np.zeros((N_SLICES, N_ROWS, N_COLUMNS))
    for index in range(N_SLICES):
        image[index, 10 : 30 + 8 * index, 8:20] = 1.0
        image[index, 20:25, 8 : 30 + 5 * index] = 2.0 + index
    return image


def coil_maps() -> np.ndarray:
    """(coil, row, col), root sum of squares one everywhere."""
    row, column = np.mgrid[-1 : 1 : N_ROWS * 1j, -1 : 1 : N_COLUMNS * 1j]
    maps = np.array([np.exp(1j * n) * (1.5 + np.cos(n + row) * np.sin(n - column)) for n in range(N_COILS)])
    return maps / np.linalg.norm(maps, axis=0)


def frames() -> np.ndarray:
    """float32 (frame, slice, ky, kx, component): what a scanner samples of the still object, line by line."""
    kspace = image_to_kspace(coil_maps()[:, None] * still_object()[None])
    played = []
    for index in range(N_FRAMES):
        mask = sampling_mask("golden", N_ROWS, N_SLICES, ACCELERATION, index)
        sampled = np.where(mask[None, :, :, None], kspace, 0)
        played.append(np.ascontiguousarray(np.moveaxis(sampled, 0, -1)).astype(np.complex64).view(np.float32))
    return np.array(played)


@pytest.mark.parametrize("endian", ["label", "default"])
def test_k_space_of_a_cpp_scanner_comes_back_as_the_object_in_its_place(tmp_path, sender, engine_port, endian):
    lines_seen = np.any(frames() != 0.0, axis=(0, 3, 4))
    assert lines_seen.all(), "the test must sample every line, or the truth cannot be reached"
    (tmp_path / "frames.raw").write_bytes(frames().tobytes())
    numbers = [N_FRAMES, N_COILS, N_COLUMNS, N_ROWS, N_SLICES, 20]
    with IgtlClient(port=engine_port) as client:
        command = [str(sender), "127.0.0.1", str(engine_port), str(tmp_path / "frames.raw"), *map(str, numbers), endian]
        subprocess.run(command, check=True, timeout=30)
        recon = None
        while recon is None or recon.metadata["TR.FrameIndex"] != str(N_FRAMES - 1):
            envelope = client.receive(timeout=20.0)
            assert envelope is not None, "the picture of the last frame did not come"
            recon = envelope if envelope.device_name == "RECON" else recon
    assert recon.message.data.dtype == np.float32
    np.testing.assert_allclose(recon.message.data, still_object(), atol=1e-4)
    # The C++ library's position is that of the middle of the image, half way between first and last voxel center.
    middle = (np.array([N_COLUMNS, N_ROWS, N_SLICES]) - 1) / 2
    np.testing.assert_allclose(recon.message.ijk_to_ras @ [*middle, 1.0], [*CENTER, 1.0], atol=1e-4)
    np.testing.assert_allclose(recon.message.ijk_to_ras[:3, :3], AXES * SPACING, atol=1e-5)
    assert recon.metadata["TR.Dropped"] == "0"
