"""An engine behind TLS, with the very files of the how-to guide: stunnel at both ends, one secret."""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.frames import image_envelope
from TemporalReconLib.igtl.server import IgtlServer

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "remote-engine.md"
STUNNEL = shutil.which("stunnel4") or shutil.which("stunnel")
PATIENCE_S = 10.0

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(STUNNEL is None, reason="needs Debian's stunnel4"),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def stunnel(name: str, folder: Path, secret: str, **addresses: str) -> Iterator[None]:
    """Run the block of the guide that is called ``name``, with other addresses and this secret."""
    blocks = re.findall(r"```ini\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    text = next(block for block in blocks if block.startswith(f"; {name}\n"))
    for key, address in addresses.items():
        text, count = re.subn(rf"^{key} = .*$", f"{key} = {address}", text, flags=re.MULTILINE)
        assert count == 1
    folder.mkdir()
    (folder / name).write_text(text)
    (folder / "inboreguidance.psk").write_text(f"bedside:{secret}\n")
    (folder / "inboreguidance.psk").chmod(0o600)
    with subprocess.Popen([str(STUNNEL), name], cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            host, _, port = addresses["accept"].rpartition(":")
            deadline = time.monotonic() + PATIENCE_S
            while not is_open(host, int(port)):
                assert process.poll() is None and time.monotonic() < deadline, f"stunnel {name} did not start"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True


@contextmanager
def tunnel(folder: Path, to_port: int, secret: str, slicers_secret: str) -> Iterator[tuple[int, int]]:
    """Both ends; yields the port of Slicer's end and the port that lies open to the network."""
    near, far = free_port(), free_port()
    with ExitStack() as stack:
        ends = (
            ("engine.conf", secret, f"127.0.0.1:{far}", f"127.0.0.1:{to_port}"),
            ("slicer.conf", slicers_secret, f"127.0.0.1:{near}", f"127.0.0.1:{far}"),
        )
        for name, key, accept, connect in ends:
            stack.enter_context(stunnel(name, folder / name[:-5], key, accept=accept, connect=connect))
        yield near, far


def test_messages_pass_the_tunnel_both_ways_unharmed(tmp_path):
    secret, received = secrets.token_hex(32), []
    generator = np.random.default_rng(0)
    images = [ImageFrame(generator.uniform(size=(2, 64, 48)).astype(np.float32), np.eye(4), n) for n in range(20)]
    with (
        IgtlServer(port=0, on_message=received.append) as server,
        tunnel(tmp_path, server.port, secret, secret) as (near, _),
        IgtlClient(port=near) as client,
    ):
        for image in images:
            client.send(image_envelope(image))
        deadline = time.monotonic() + PATIENCE_S
        while len(received) < len(images) and time.monotonic() < deadline:
            time.sleep(0.02)
        for image, envelope in zip(images, received, strict=True):
            np.testing.assert_array_equal(envelope.message.data.reshape(image.data.shape), image.data)
        server.publish(image_envelope(images[0]))
        back = client.receive(PATIENCE_S)
        np.testing.assert_array_equal(back.message.data.reshape(images[0].data.shape), images[0].data)


def test_who_does_not_know_the_secret_never_reaches_the_engine(tmp_path):
    received = []
    image = image_envelope(ImageFrame(np.ones((1, 8, 8), np.float32), np.eye(4)))
    with (
        IgtlServer(port=0, on_message=received.append) as server,
        tunnel(tmp_path, server.port, secrets.token_hex(32), secrets.token_hex(32)) as (near, far),
    ):
        for port in (near, far):  # with a wrong secret, and in the clear
            with pytest.raises(InputError), IgtlClient(port=port) as client:
                for _ in range(50):
                    client.send(image)
                    client.receive(0.1)
        assert received == []
        assert server.counters.clients == 0
