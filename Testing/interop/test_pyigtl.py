"""Our link against pyigtl, an independent implementation, both ways: version 2 headers with metadata."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.frames import kspace_envelope, recon_envelope, transform_envelope
from TemporalReconLib.igtl.messages import PointElement, PointMessage, StringMessage
from TemporalReconLib.igtl.server import IgtlServer

pyigtl = pytest.importorskip("pyigtl", reason="needs pyigtl (pip install pyigtl)")

pytestmark = pytest.mark.interop

GEOMETRY = np.array([[0, -2, 0, 10.0], [1.5, 0, 0, -20.0], [0, 0, 4, 30.0], [0, 0, 0, 1]])


@pytest.fixture
def received() -> list[Envelope]:
    return []


@pytest.fixture
def server(received: list[Envelope]) -> Iterator[IgtlServer]:
    with IgtlServer(port=0, on_message=received.append) as running:
        yield running


@pytest.fixture
def peer(server: IgtlServer) -> Iterator[object]:
    client = pyigtl.OpenIGTLinkClient("127.0.0.1", server.port)
    wait_for(lambda: server.counters.clients == 1)
    yield client
    client.stop()


def wait_for(condition, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the peer did not answer"
        time.sleep(0.01)


def send(peer: object, message: object, **metadata: str) -> None:
    message.header_version = 2
    message.metadata = metadata
    assert peer.send_message(message, wait=True)


def test_an_image_of_pyigtl_lies_where_pyigtl_says(peer, received):
    pixels = np.random.default_rng(3).integers(0, 4000, (3, 5, 7)).astype(np.int16)
    for coordinates in ("ras", "lps"):
        message = pyigtl.ImageMessage(pixels, GEOMETRY, coordinates, timestamp=1700000000.25, device_name="MR Image")
        send(peer, message, **{"TR.FrameIndex": "12", "Patient": "phantom"})
    wait_for(lambda: len(received) == 2)
    ras, lps = received
    np.testing.assert_array_equal(ras.message.data, pixels)
    np.testing.assert_allclose(ras.message.ijk_to_ras, GEOMETRY, atol=1e-5)
    np.testing.assert_allclose(lps.message.ijk_to_ras, np.diag([-1, -1, 1, 1]) @ GEOMETRY, atol=1e-5)
    assert ras.metadata == {"TR.FrameIndex": "12", "Patient": "phantom"}
    assert ras.timestamp == pytest.approx(1700000000.25, abs=1e-6)
    assert FrameReader().read(ras).frame.index == 12


def test_kspace_packed_by_hand_with_pyigtl_becomes_a_frame(peer, received):
    generator = np.random.default_rng(4)
    kspace = (generator.normal(size=(2, 3, 8, 6)) + 1j * generator.normal(size=(2, 3, 8, 6))).astype(np.complex64)
    kspace[:, :, 1::2] = 0
    components = np.stack([kspace[0].real, kspace[0].imag, kspace[1].real, kspace[1].imag], axis=-1)
    send(peer, pyigtl.ImageMessage(components, GEOMETRY, "ras", device_name="KSPACE_IN"))
    wait_for(lambda: len(received) == 1)
    frame = FrameReader().read(received[0]).frame
    assert isinstance(frame, KSpaceFrame)
    np.testing.assert_array_equal(frame.data, kspace)
    np.testing.assert_array_equal(frame.mask, np.tile([True, False] * 4, (3, 1)))


def test_transforms_points_and_text_of_pyigtl_arrive(peer, received):
    pose = np.array([[0, -1, 0, 1.5], [1, 0, 0, -2.5], [0, 0, 1, 3.5], [0, 0, 0, 1]])
    send(peer, pyigtl.TransformMessage(pose, device_name="TARGET_1"), TransformStatus="OK")
    send(peer, pyigtl.PointMessage([[1, 2, 3]], names=["lesion"], device_name="TARGET"))
    send(peer, pyigtl.StringMessage('{"method": "temporal"}', device_name="CMD_METHOD"))
    wait_for(lambda: len(received) == 3)
    np.testing.assert_array_equal(received[0].message.matrix, pose)
    assert received[0].metadata == {"TransformStatus": "OK"}
    assert received[1].message == PointMessage((PointElement((1.0, 2.0, 3.0), "lesion"),))
    assert received[2].message == StringMessage('{"method": "temporal"}')


def test_pyigtl_reads_what_the_server_publishes(server, peer):
    pixels = np.random.default_rng(5).random((3, 5, 7)).astype(np.float32)
    frame = ImageFrame(pixels, GEOMETRY, 8, 1700000000.0, 1700000000.5, quality=0.5)
    server.publish(recon_envelope(frame, state="tracked"))
    image = peer.wait_for_message("RECON", timeout=10)
    np.testing.assert_array_equal(image.image, pixels)
    np.testing.assert_allclose(image.ijk_to_world_matrix, GEOMETRY, atol=1e-5)
    assert image.world_coordinate_system == "ras"
    assert image.timestamp == pytest.approx(1700000000.25, abs=1e-6)
    assert (image.metadata["TR.FrameIndex"], image.metadata["TR.State"]) == ("8", "tracked")
    assert image.metadata["TR.Quality"] == "0.5000"

    server.publish(transform_envelope(GEOMETRY, "TipToRAS", timestamp=1.0))
    tip = peer.wait_for_message("TipToRAS", timeout=10)
    np.testing.assert_allclose(tip.matrix, GEOMETRY)
    assert tip.metadata["TransformStatus"] == "OK"

    server.publish(Envelope(StringMessage("ok"), "ACK_START"))
    assert peer.wait_for_message("ACK_START", timeout=10).string == "ok"
    server.publish(Envelope(PointMessage((PointElement((1, 2, 3), "lesion"),)), "TARGET"))
    assert peer.wait_for_message("TARGET", timeout=10).positions == [(1.0, 2.0, 3.0)]


def test_our_client_sends_kspace_to_a_pyigtl_server():
    server = pyigtl.OpenIGTLinkServer(port=0, local_server=True)
    try:
        data = np.random.default_rng(6).normal(size=(2, 3, 8, 6, 2)).astype(np.float32).view(np.complex64)[..., 0]
        frame = KSpaceFrame(data, np.ones((3, 8), bool), GEOMETRY, 2, 1.0, 2.0, "case")
        with IgtlClient(port=server.server_address[1]) as client:
            client.send(kspace_envelope(frame))
            message = server.wait_for_message("KSPACE_IN", timeout=10)
        components = np.stack([data[0].real, data[0].imag, data[1].real, data[1].imag], axis=-1)
        np.testing.assert_array_equal(message.image, components)
        assert message.metadata["TR.NumCoils"] == "2"
    finally:
        server.stop()
