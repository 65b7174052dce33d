"""Our link against the reference C++ library (Debian libopenigtlink-dev), both ways over a real socket."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import (
    CapabilityMessage,
    PointElement,
    PointMessage,
    QueryMessage,
    StatusMessage,
    StringMessage,
    TrackedTool,
    TrackingDataMessage,
    TransformMessage,
)
from TemporalReconLib.igtl.server import IgtlServer

SOURCES = Path(__file__).parent / "cpp"
INCLUDE = Path("/usr/include/openigtlink")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("g++") is None or not INCLUDE.is_dir(),
        reason="needs g++ and libopenigtlink-dev (apt-get install libopenigtlink-dev)",
    ),
]

# What igtl_sender.cxx puts in: i to A (1.5 mm), j to L (2 mm), k to S (4 mm), center (10.5, -20.25, 30), 7x5x3.
AXES = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
CENTER = np.array([10.5, -20.25, 30.0])
SPACING = np.array([1.5, 2.0, 4.0])


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("igtl_cpp")
    built = {}
    for name in ("igtl_sender", "igtl_receiver"):
        built[name] = folder / name
        command = ["g++", "-std=c++14", f"-I{INCLUDE}", str(SOURCES / f"{name}.cxx"), "-o", str(built[name])]
        done = subprocess.run([*command, "-lOpenIGTLink", "-lpthread"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return built


@pytest.fixture(scope="module")
def received(programs: dict[str, Path]) -> tuple[dict[str, Envelope], IgtlServer]:
    """Everything the C++ sender sends, by device name."""
    messages: dict[str, Envelope] = {}
    last = threading.Event()

    def collect(envelope: Envelope) -> None:
        messages[envelope.device_name] = envelope
        if envelope.device_name == "CxxLast":
            last.set()

    with IgtlServer(port=0, on_message=collect) as server:
        subprocess.run([str(programs["igtl_sender"]), "127.0.0.1", str(server.port)], check=True, timeout=20)
        assert last.wait(10.0)
    return messages, server


def test_a_complex_image_of_the_cpp_library_arrives_with_its_place_in_the_patient(received):
    envelope = received[0]["CxxComplex"]
    image = envelope.message
    assert envelope.timestamp == pytest.approx(1700000000.25, abs=1e-6)
    np.testing.assert_array_equal(image.data, 0.5 * np.arange(210, dtype=np.float32).reshape(3, 5, 7, 2))
    # The wire carries the position of the center voxel (3, 2, 1) of the 7x5x3 image.
    np.testing.assert_allclose(image.ijk_to_ras @ [3, 2, 1, 1], [*CENTER, 1], atol=1e-4)
    np.testing.assert_allclose(image.ijk_to_ras[:3, :3], AXES * SPACING, atol=1e-6)


def test_native_pixels_under_the_default_big_endian_label_are_recognised(received):
    messages, server = received
    image = messages["CxxMislabelled"].message
    np.testing.assert_array_equal(image.data, 10 * np.arange(105).reshape(3, 5, 7))
    assert image.byte_order_corrected
    assert server.counters.byte_order_corrected == 1


def test_true_big_endian_pixels_are_believed(received):
    image = received[0]["CxxBig"].message
    np.testing.assert_array_equal(image.data, 10 * np.arange(105).reshape(3, 5, 7))
    assert not image.byte_order_corrected
    assert image.data.dtype == np.dtype("uint16")


def test_the_small_messages_of_the_cpp_library_arrive(received):
    messages, _ = received
    expected = np.eye(4)
    expected[:3, :3] = AXES
    expected[:3, 3] = CENTER
    np.testing.assert_allclose(messages["CxxTransform"].message.matrix, expected)
    assert messages["CxxString"].message == StringMessage('{"method": "temporal"}')
    assert messages["CxxStatus"].message == StatusMessage(13, "gradient coil is cold", "Warming up", 42)
    point = PointElement((1.0, -2.5, 3.25), "lesion", "Target", (255, 0, 0, 128), 4.0, "MR Image")
    assert messages["TARGET"].message == PointMessage((point,))
    tool = messages["CxxTracker"].message.tools[0]
    assert (tool.name, tool.kind) == ("Needle", 4)
    np.testing.assert_allclose(tool.matrix, expected)
    assert messages["CxxCapability"].message == CapabilityMessage(("IMAGE", "TRANSFORM"))
    assert messages["CxxQuery"].message == QueryMessage("GET_STATUS")


def test_an_unknown_type_of_the_cpp_library_is_skipped_and_counted(received):
    messages, server = received
    assert "CxxPoly" not in messages
    assert server.counters.dropped == {"type": 1}
    assert messages["CxxLast"].message == StringMessage("end")


@pytest.fixture(scope="module")
def printed(programs: dict[str, Path]) -> dict[str, str]:
    """What the C++ receiver read of our legacy messages, by device name."""
    generator = np.random.default_rng(5)
    matrix = np.eye(4)
    matrix[:3, :3] = AXES
    matrix[:3, 3] = CENTER
    geometry = matrix.copy()
    geometry[:3, :3] *= SPACING
    pixels = generator.normal(size=(3, 5, 7)).astype(np.float32)
    envelopes = [
        Envelope(ImageMessage(pixels, geometry), "RECON", 1700000000.25, {"TR.FrameIndex": "4"}),
        Envelope(ImageMessage(np.ones((2, 3, 4, 6), np.int16), geometry), "INT16", 1.0),
        Envelope(TransformMessage(matrix), "TipToRAS", 1700000000.5),
        Envelope(StringMessage("tracked"), "ACK_START", 2.0),
        Envelope(StatusMessage(1, "running at 12 fps", "OK", 7), "TemporalRecon", 3.0),
        Envelope(PointMessage((PointElement((1, 2, 3), "lesion", "Target", owner="RECON"),)), "TARGET"),
        Envelope(TrackingDataMessage((TrackedTool("Needle", matrix, 4),)), "Tools"),
    ]
    with IgtlServer(port=0, legacy_v1=True) as server:
        command = [str(programs["igtl_receiver"]), "127.0.0.1", str(server.port), str(len(envelopes))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            while server.counters.clients == 0 and process.poll() is None:
                time.sleep(0.01)
            for envelope in envelopes:
                assert server.publish(envelope) == 1
            output, _ = process.communicate(timeout=20)
    lines = {match[1]: line for line in output.splitlines() if (match := re.match(r"\w+ '(.*?)'", line))}
    weighted = float(np.sum(pixels.ravel() * (np.arange(pixels.size) % 7 + 1)))
    lines["expected sum"] = f"{weighted:.2f}"
    return lines


def test_the_cpp_library_finds_every_checksum_right(printed):
    assert len(printed) == 8
    assert not any("BAD_CRC" in line for line in printed.values())


def test_the_cpp_library_reads_our_image(printed):
    line = printed["RECON"]
    assert "time 1700000000.2" in line
    assert "size 7 5 3 components 1 type 10 endian 2 coordinates 1 spacing 1.5000 2.0000 4.0000" in line
    assert f"sum {printed['expected sum']}" in line
    # Its "origin" is the number on the wire: the center, three voxels, two rows and one slice from the first.
    center = CENTER + AXES @ (SPACING * [3, 2, 1])
    rows = np.column_stack([AXES, center])
    assert line.split("matrix ")[1] == " ".join(f"{value:.4f}" for value in rows.ravel() + 0.0)
    assert "size 4 3 2 components 6 type 4 endian 2" in printed["INT16"]


def test_the_cpp_library_reads_our_small_messages(printed):
    rows = np.column_stack([AXES, CENTER])
    numbers = " ".join(f"{value:.4f}" for value in rows.ravel())
    assert printed["TipToRAS"].endswith(numbers)
    assert "time 1700000000.5" in printed["TipToRAS"]
    assert printed["ACK_START"].endswith("encoding 3 text tracked")
    assert printed["TemporalRecon"].endswith("code 1 sub 7 name OK text running at 12 fps")
    assert printed["TARGET"].endswith("lesion Target 1.0000 2.0000 3.0000 radius 0.0000 owner RECON")
    assert printed["Tools"].endswith(f"Needle type 4 {numbers}")
