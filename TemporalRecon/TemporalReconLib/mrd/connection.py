"""One MRD connection: messages in, with bounds on size and time, and bytes out.

A message is a 16-bit little-endian id and a body whose length only the id and the body's own header tell, so
an unknown id cannot be skipped. There is no checksum.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any

import ismrmrd
import numpy as np
from ismrmrd.hdf5 import acquisition_header_dtype, image_header_dtype
from numpy.typing import NDArray

from TemporalReconLib.igtl.connection import Limits
from TemporalReconLib.igtl.errors import FramingError
from TemporalReconLib.igtl.socket_pair import SocketPair

CONFIG_FILE, CONFIG_TEXT, HEADER, CLOSE, TEXT = 1, 2, 3, 4, 5
ACQUISITION, IMAGE, WAVEFORM = 1008, 1022, 1026

CONFIG_FILE_BYTES = 1024
ACQUISITION_HEADER_BYTES = acquisition_header_dtype.itemsize
IMAGE_HEADER_BYTES = image_header_dtype.itemsize
WAVEFORM_HEADER_BYTES = 40
MAX_TEXT_BYTES = 2**20
MAX_ATTRIBUTE_BYTES = 2**20
# 127 coils x 16,384 samples; a line of a scanner has a few thousand samples at most.
MAX_ACQUISITION_BYTES = 2**24
MAX_IMAGE_BYTES = 2**28
_CHUNK_BYTES = 2**16
_POLL_S = 0.1
_PIXEL_BYTES = {
    ismrmrd.DATATYPE_USHORT: 2,
    ismrmrd.DATATYPE_SHORT: 2,
    ismrmrd.DATATYPE_UINT: 4,
    ismrmrd.DATATYPE_INT: 4,
    ismrmrd.DATATYPE_FLOAT: 4,
    ismrmrd.DATATYPE_DOUBLE: 8,
    ismrmrd.DATATYPE_CXFLOAT: 8,
    ismrmrd.DATATYPE_CXDOUBLE: 16,
}


@dataclass(frozen=True, eq=False)
class MrdMessage:
    """A message by its id.

    Attributes
    ----------
    text
        Body of a configuration, header or text message.
    head, samples
        Acquisition header (numpy record) and complex64 (coil, sample).
    content
        Bytes of an image, see :func:`~TemporalReconLib.mrd.image_message.decode_image`.
    """

    id: int
    text: bytes = b""
    head: Any = None
    samples: NDArray[np.complex64] | None = None
    content: bytes = b""


class MrdConnection:
    """A connected socket, read by one thread and written by another.

    Parameters
    ----------
    sock
        Connected TCP socket; it belongs to the connection from now on.
    """

    def __init__(self, sock: socket.socket, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._sockets = SocketPair(sock, self._limits.send_idle_s)

    def read(self) -> MrdMessage | None:
        """The next message; waits for its first byte as long as it takes.

        Returns
        -------
        None if the peer left between two messages, or :meth:`close` was called.

        Raises
        ------
        FramingError
            If the id is unknown, a size absurd, or the peer stops or leaves inside a message.
        OSError
            If the connection broke.
        """
        if self._sockets.is_closed:
            return None
        with self._sockets.in_use():
            return self._read()

    def send(self, content: bytes) -> None:
        """Send whole messages; raises TimeoutError (an OSError) if the peer takes nothing."""
        with self._sockets.in_use():
            rest = memoryview(content)
            while len(rest):
                rest = rest[self._sockets.send.send(rest) :]

    def close(self) -> None:
        """End both directions; a thread that waits in :meth:`read` or :meth:`send` returns."""
        self._sockets.close()

    def _read(self) -> MrdMessage | None:
        if not self._wait_for_message():
            return None
        start = self._sockets.receive.recv(1)
        if not start:
            return None
        # Id and fixed header of a message must be whole soon after its first byte.
        deadline = time.monotonic() + self._limits.header_s
        message_id = int(struct.unpack("<H", start + self._exactly(1, deadline))[0])
        if message_id == CLOSE:
            return MrdMessage(message_id)
        if message_id == CONFIG_FILE:
            return MrdMessage(message_id, text=self._exactly(CONFIG_FILE_BYTES, deadline).rstrip(b"\0"))
        if message_id in (CONFIG_TEXT, HEADER, TEXT):
            size = struct.unpack("<I", self._exactly(4, deadline))[0]
            return MrdMessage(message_id, text=self._body(size, MAX_TEXT_BYTES).rstrip(b"\0"))
        if message_id == ACQUISITION:
            return self._read_acquisition(deadline)
        if message_id == IMAGE:
            return self._read_image(deadline)
        if message_id == WAVEFORM:
            head = self._exactly(WAVEFORM_HEADER_BYTES, deadline)
            n_samples, n_channels = struct.unpack_from("<HH", head, 28)
            self._body(4 * n_samples * n_channels, MAX_ACQUISITION_BYTES)
            return MrdMessage(message_id)
        raise FramingError("type", f"MRD message id {message_id} is unknown; where the next one begins cannot be told")

    def _wait_for_message(self) -> bool:
        while not self._sockets.is_closed:
            try:
                if select.select([self._sockets.receive], [], [], _POLL_S)[0]:
                    return True
            except (OSError, ValueError):
                return False  # closed by the other thread
        return False

    def _read_acquisition(self, deadline: float) -> MrdMessage:
        head = np.frombuffer(self._exactly(ACQUISITION_HEADER_BYTES, deadline), dtype=acquisition_header_dtype)[0]
        n_samples, n_coils = int(head["number_of_samples"]), int(head["active_channels"])
        trajectory_bytes = 4 * n_samples * int(head["trajectory_dimensions"])
        body = self._body(trajectory_bytes + 8 * n_samples * n_coils, MAX_ACQUISITION_BYTES)
        samples = np.frombuffer(body, dtype="<c8", offset=trajectory_bytes).reshape(n_coils, n_samples)
        return MrdMessage(ACQUISITION, head=head, samples=samples)

    def _read_image(self, deadline: float) -> MrdMessage:
        head = self._exactly(IMAGE_HEADER_BYTES, deadline)
        fields = np.frombuffer(head, dtype=image_header_dtype)[0]
        (attribute_bytes,) = struct.unpack("<Q", self._exactly(8, deadline))
        attributes = self._body(attribute_bytes, MAX_ATTRIBUTE_BYTES)
        pixel_bytes = _PIXEL_BYTES.get(int(fields["data_type"]))
        if pixel_bytes is None:
            raise FramingError("size", f"MRD image of data type {int(fields['data_type'])}, which has no known size")
        count = int(fields["channels"]) * int(np.prod(fields["matrix_size"].astype(object)))
        pixels = self._body(count * pixel_bytes, MAX_IMAGE_BYTES)
        parts = [head, struct.pack("<Q", len(attributes)), attributes, pixels]
        return MrdMessage(IMAGE, content=b"".join(parts))

    def _exactly(self, count: int, deadline: float) -> bytes:
        """The next bytes of an id or a header, before the deadline."""
        content = bytearray()
        while len(content) < count:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise FramingError("slow-header", f"no whole MRD header within {self._limits.header_s} s")
            self._receive_some(content, count, remaining, "slow-header")
        return bytes(content)

    def _body(self, count: int, limit: int) -> bytes:
        """The next bytes of a body; memory grows with what has arrived, not with what was announced."""
        if count > limit:
            raise FramingError("size", f"an MRD message announces {count} bytes; at most {limit} are expected")
        content = bytearray()
        while len(content) < count:
            self._receive_some(content, count, self._limits.body_idle_s, "idle-body")
        return bytes(content)

    def _receive_some(self, content: bytearray, count: int, timeout_s: float, reason: str) -> None:
        self._sockets.receive.settimeout(timeout_s)
        try:
            chunk = self._sockets.receive.recv(min(_CHUNK_BYTES, count - len(content)))
        except TimeoutError:
            raise FramingError(reason, f"the MRD peer is silent after {len(content)} of {count} bytes") from None
        if not chunk:
            raise FramingError("cut", f"the MRD peer left after {len(content)} of {count} bytes")
        content += chunk


def encode_text(message_id: int, text: bytes) -> bytes:
    """A configuration text, header or text message."""
    return struct.pack("<HI", message_id, len(text)) + text


def encode_config_file(name: str) -> bytes:
    """The name of a configuration, padded to 1024 bytes."""
    return struct.pack("<H", CONFIG_FILE) + name.encode("ascii")[: CONFIG_FILE_BYTES - 1].ljust(
        CONFIG_FILE_BYTES, b"\0"
    )


def encode_close() -> bytes:
    return struct.pack("<H", CLOSE)


def encode_acquisition(content: bytes) -> bytes:
    """Header, trajectory and samples of one line."""
    return struct.pack("<H", ACQUISITION) + content


def encode_image(image: ismrmrd.Image) -> bytes:
    return struct.pack("<H", IMAGE) + bytes(image.to_bytes())
