"""Every parser of bytes that are not ours, as a function that any bytes may be given to, and good input to begin with.

A parser reads its input or refuses it by one line; whatever else happens is a finding.
"""

from __future__ import annotations

import contextlib
import json
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ismrmrd
import nrrd
import numpy as np
from fastcrc import crc64
from ismrmrd.hdf5 import acquisition_header_dtype
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.mrd_header import parse_mrd_header
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.engine.recording_log import log_lines
from TemporalReconLib.engine.router import ACTIONS, parse_command
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import decode_body, encode
from TemporalReconLib.igtl.envelope import Envelope, Message
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.frames import image_envelope, kspace_envelope
from TemporalReconLib.igtl.header import HEADER_SIZE, decode_header
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
from TemporalReconLib.igtl.metadata import decode_metadata, encode_metadata
from TemporalReconLib.mrd import frame_stream
from TemporalReconLib.mrd.frame_rule import FrameRule
from TemporalReconLib.mrd.frame_stream import FrameStream
from TemporalReconLib.mrd.image_message import decode_image, mrd_images
from TemporalReconLib.weights.weights_file import read_weights_file, write_weights_file

sys.path.insert(0, str(Path(__file__).parents[1] / "core" / "acquisition"))
from mrd_files import COLUMNS, header_xml

MAX_REFUSAL = 1000
# The lines under test all follow the same header, which has a parser of its own above them.
frame_stream.parse_mrd_header = lru_cache(frame_stream.parse_mrd_header)


@dataclass(frozen=True)
class Parser:
    """A parser under test.

    Attributes
    ----------
    read
        Gives it some bytes; raises InputError where they are refused.
    seeds
        Good input.
    """

    read: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def try_parser(name: str, content: bytes) -> None:
    """Give a parser some bytes; AssertionError or any other exception is a finding."""
    try:
        PARSERS[name].read(content)
    except InputError as error:
        text = str(error)
        assert text and "\n" not in text and len(text) < MAX_REFUSAL, f"no line for a user: {text[:200]!r}"


@contextlib.contextmanager
def a_file(name: str, content: bytes) -> Iterator[Path]:
    """A file with this content, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _read_message(content: bytes) -> None:
    """A message whose size and checksum are right, as a hostile sender makes them."""
    head, body = content[: HEADER_SIZE - 16].ljust(HEADER_SIZE - 16, b"\0"), content[HEADER_SIZE:]
    header = decode_header(head + struct.pack(">QQ", len(body), crc64.ecma_182(body)))
    envelope = decode_body(header, body)
    if isinstance(envelope.message, ImageMessage):
        frame = FrameReader().read(envelope).frame
        assert np.all(np.isfinite(frame.ijk_to_ras)) and frame.index >= 0
    elif isinstance(envelope.message, StringMessage):
        _read_command(envelope.message.text.encode())
    elif isinstance(envelope.message, TransformMessage):
        assert np.all(np.isfinite(envelope.message.matrix))


def _read_command(content: bytes) -> None:
    action, arguments = parse_command("1", content.decode("utf-8", "replace"))
    assert action in ACTIONS and isinstance(arguments, dict)


def _read_metadata(content: bytes) -> None:
    """Index and values of the metadata, the length of the index before them."""
    size, view = int.from_bytes(content[:2], "big"), memoryview(content)[2:]
    assert all(key.isprintable() for key in decode_metadata(view[:size], view[size:]))


def _read_lines(content: bytes) -> None:
    """Acquisitions one after the other, as MrdConnection cuts them, after a good header."""
    frames: list[KSpaceFrame] = []
    for rule in ("repetition", "lines:2"):
        stream = FrameStream("s", lambda info: None, frames.append, rule=FrameRule.parsed(rule))
        stream.start(header_xml().encode())
        refusal = None
        for head, samples in _acquisitions(content):
            try:
                stream.add(head, samples)
            except InputError as error:
                refusal = error
        if refusal is not None:
            raise refusal
    assert all(np.all(np.isfinite(frame.ijk_to_ras)) for frame in frames)


def _acquisitions(content: bytes) -> Iterator[tuple[np.void, np.ndarray]]:
    position, size = 0, acquisition_header_dtype.itemsize
    while position + size <= len(content):
        head = np.frombuffer(content, acquisition_header_dtype, 1, position)[0]
        n_samples, n_coils = int(head["number_of_samples"]), int(head["active_channels"])
        start = position + size + 4 * n_samples * int(head["trajectory_dimensions"])
        position = start + 8 * n_samples * n_coils
        if position <= len(content):
            samples = np.frombuffer(content, "<c8", n_samples * n_coils, start)
            yield head, samples.reshape(n_coils, n_samples)


def _read_mrd_header(content: bytes) -> None:
    assert 0 < parse_mrd_header(content, "header").n_rows <= 4096


def _read_mrd_image(content: bytes) -> None:
    decode_image(content)


def _read_recording_log(content: bytes) -> None:
    with a_file("log.jsonl", content) as path:
        assert all({"accepted", "file", "repetition"} <= line.keys() for line in log_lines(path))


def _read_nrrd(content: bytes) -> None:
    with a_file("volume.nrrd", content) as path:
        assert np.all(np.isfinite(open_series(path).frame(0).data.view(np.float32)))


def _read_weights(content: bytes) -> None:
    with a_file("model.safetensors", content) as path:
        read_weights_file(path)


def _frame() -> KSpaceFrame:
    mask = np.ones((1, 8), dtype=bool)
    return KSpaceFrame(np.ones((1, 1, 8, 4), np.complex64), mask, np.eye(4), 3, 1.0, 2.0, "s")


def _image() -> ImageFrame:
    return ImageFrame(np.ones((1, 8, 4), np.float32), np.eye(4), 2, 1.0, 2.0)


def _messages() -> tuple[bytes, ...]:
    small: tuple[Message, ...] = (
        ImageMessage(np.ones((1, 3, 4), np.int16), np.eye(4)),
        StringMessage('{"target": [1, 2, 3]}'),
        TransformMessage(np.eye(4)),
        PointMessage((PointElement((1.0, 2.0, 3.0), "a", "b"),)),
        StatusMessage(1, "text", "name"),
        TrackingDataMessage((TrackedTool("tool", np.eye(4)),)),
        CapabilityMessage(("IMAGE",)),
        QueryMessage("GET_STATUS"),
    )
    envelopes = [kspace_envelope(_frame()), image_envelope(_image())]
    envelopes += [Envelope(message, "Device", 1.0, {"key": "value"}) for message in small]
    raw = [b"".join(encode(envelope)) for envelope in envelopes]
    return (*raw, b"".join(encode(envelopes[1], legacy_v1=True)))


def _metadata() -> bytes:
    index, values = encode_metadata({"TR.Mask": "rowbits-b64:/w==", "key": "value"})
    return struct.pack(">H", len(index)) + index + values


def _a_line(repetition: int) -> bytes:
    line = ismrmrd.Acquisition.from_array(np.ones((2, 2 * COLUMNS), np.complex64), center_sample=COLUMNS)
    line.idx.repetition = repetition
    line.set_flag(ismrmrd.ACQ_LAST_IN_REPETITION)
    return bytes(line.to_bytes())


def _recording_log() -> bytes:
    line = {"accepted": True, "fate": "shown", "starts_series": True, "file": "a.h5", "repetition": 0, "index": 0}
    lines = [{"event": "recording on", "time": 1.0}, {**line, "stream": "s", "results": {"poses": {}}}]
    return "".join(json.dumps(entry) + "\n" for entry in lines).encode()


def _nrrd() -> bytes:
    with a_file("volume.nrrd", b"") as path:
        header = {"space": "left-posterior-superior", "space directions": np.eye(3), "space origin": np.zeros(3)}
        nrrd.write(str(path), np.ones((4, 3, 2), np.float32), {**header, "encoding": "raw"})
        return path.read_bytes()


def _weights() -> bytes:
    import torch

    with a_file("model.safetensors", b"") as path:
        write_weights_file(path, {"layer.weight": torch.ones(2, 3)}, {"method": "temporal", "config": {}})
        return path.read_bytes()


def _parsers() -> dict[str, Parser]:
    commands = (b'{"command": "reset"}', b'{"method": "temporal"}', b'{"record": true}', b'{"target": [1, 2, 3]}')
    return {
        "openigtlink": Parser(_read_message, _messages()),
        "metadata": Parser(_read_metadata, (_metadata(),)),
        "command": Parser(_read_command, commands),
        "mrd-header": Parser(_read_mrd_header, (header_xml().encode(),)),
        "mrd-lines": Parser(_read_lines, (_a_line(0), _a_line(0) + _a_line(1))),
        "mrd-image": Parser(_read_mrd_image, (bytes(mrd_images(_image())[0].to_bytes()),)),
        "recording-log": Parser(_read_recording_log, (_recording_log(),)),
        "nrrd": Parser(_read_nrrd, (_nrrd(),)),
        "weights": Parser(_read_weights, (_weights(),)),
    }


PARSERS = _parsers()
