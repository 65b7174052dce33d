"""Everything bad that a peer may send over OpenIGTLink, in one list: what it is, its bytes, and the reaction to it.

Reactions: ``closed (why)`` ends this client's connection, ``dropped (why)`` costs the message, ``answered (what)``
tells the sender, ``used`` takes it; what the engine counts comes after it. Everybody else is served on in any case.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from fastcrc import crc64
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import kspace_envelope
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import PointElement, PointMessage, StatusMessage, StringMessage, TransformMessage

GEOMETRY = np.diag([1.5, 1.5, 3.0, 1.0])
MOVED = np.array([[1.5, 0, 0, 9.0], [0, 1.5, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 1.0]])
NAN, INF = float("nan"), float("inf")


@dataclass(frozen=True)
class BadInput:
    """What is sent, in words and bytes, and what must follow.

    ``pieces`` are sent one after the other; ``leaves`` closes the sender's end after them.
    """

    name: str
    reaction: str
    pieces: tuple[bytes, ...]
    leaves: bool = False


def message(envelope: Envelope, legacy_v1: bool = False) -> bytes:
    return b"".join(encode(envelope, legacy_v1))


def head(type_name: bytes, size: int, name: bytes = b"Device", version: int = 1, crc: int = 0) -> bytes:
    return struct.pack(">H12s20sIIQQ", version, type_name, name, 0, 0, size, crc)


def raw(type_name: bytes, body: bytes, name: bytes = b"Device", version: int = 1) -> bytes:
    return head(type_name, len(body), name, version, crc64.ecma_182(body)) + body


def frame(index: int = 0, **fields: object) -> KSpaceFrame:
    mask = np.zeros((1, 16), dtype=bool)
    mask[0, index % 2 :: 2] = True
    data = np.ones((2, 1, 16, 8), np.complex64) * mask[None, :, :, None]
    return KSpaceFrame(data, mask, **{"ijk_to_ras": GEOMETRY, "index": index, "stream_id": "s", **fields})


def kspace(frame: KSpaceFrame, planning: bool = False, **metadata: str | None) -> bytes:
    """A frame as message, with metadata changed (``None`` leaves one out)."""
    envelope = kspace_envelope(frame, planning=planning)
    merged = {**envelope.metadata, **{f"TR.{key}": value for key, value in metadata.items()}}
    return message(replace(envelope, metadata={key: value for key, value in merged.items() if value is not None}))


def spoiled(value: float) -> bytes:
    envelope = kspace_envelope(frame())
    pixels = envelope.message.data
    pixels[0, 0, 3, 1] = value
    return message(replace(envelope, message=ImageMessage(pixels, GEOMETRY)))


def image(*changes: tuple[int, str, object], tail: bytes = b"", cut: int = 0, name: bytes = b"MR Image") -> bytes:
    """A 2 x 3 x 4 image with some fields of its header overwritten."""
    content = bytearray(b"".join(ImageMessage(np.ones((2, 3, 4), np.float32), GEOMETRY).encode_content()))
    for offset, layout, values in changes:
        struct.pack_into(layout, content, offset, *(values if isinstance(values, tuple) else (values,)))
    return raw(b"IMAGE", bytes(content[: len(content) - cut]) + tail, name)


def picture(pixels: np.ndarray, name: str = "MR Image", **metadata: str) -> bytes:
    return message(Envelope(ImageMessage(pixels, GEOMETRY), name, 1.0, metadata))


def text(content: str, name: str) -> bytes:
    return message(Envelope(StringMessage(content), name))


def described(index: bytes, body: bytes, content: bytes = b"\0\3\0\2hi", extended: int = 12) -> bytes:
    """A version 2 STRING with any metadata section."""
    return raw(b"STRING", struct.pack(">HHII", extended, len(index), len(body), 0) + content + index + body, version=2)


def entry(key: int, value: int, encoding: int = 3, count: int = 1) -> bytes:
    return struct.pack(">HHHI", count, key, encoding, value)


GOOD = message(Envelope(TransformMessage(np.eye(4)), "Good"))
DAMAGED = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
ONE = np.ones((1, 8, 8), np.float32)
FLIPPED = struct.pack(">12f", 1, 0, 0, 1, 0, 0, 0, 0, 1, 5, 5, 5)


def case(name: str, reaction: str, *pieces: bytes, leaves: bool = False) -> BadInput:
    return BadInput(name, reaction, pieces, leaves)


NOT_OPENIGTLINK = [
    case("an HTTP request", "closed (version)", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    case("a TLS handshake", "closed (version)", bytes.fromhex("1603010200010001fc0303") + bytes(200)),
    case("an SSH banner", "closed (version)", b"SSH-2.0-OpenSSH_9.2\r\n" + bytes(60)),
    case("a DICOM association request", "closed (version)", b"\x01\x00" + bytes(70)),
    case("zeros", "closed (version)", bytes(58)),
    case("ones", "closed (version)", b"\xff" * 58),
    case("header version 0", "closed (version)", b"\0\0" + GOOD[2:]),
    case("header version 4", "closed (version)", b"\0\4" + GOOD[2:]),
    case("header version 65535", "closed (version)", b"\xff\xff" + GOOD[2:]),
    case("a byte of garbage before a message", "closed (version)", b"\xab" + GOOD),
    case("a little-endian header", "closed (version)", b"\1\0" + GOOD[2:]),
    case("a type with control characters", "closed (type)", head(b"IMA\x07GE", 0)),
    case("a type that is empty", "closed (type)", head(b"", 0)),
    case("a type with bytes after its end", "closed (type)", head(b"IMAGE\0AB", 0)),
    case("an IMAGE of 4 GB", "closed (size)", head(b"IMAGE", 2**32)),
    case("an IMAGE of 2^64 - 1 bytes", "closed (size)", head(b"IMAGE", 2**64 - 1)),
    case("a TRANSFORM of 1 MB", "closed (size)", head(b"TRANSFORM", 2**20)),
    case("a STRING of 1 GB", "closed (size)", head(b"STRING", 2**30)),
    case("a GET_ query of 1 GB", "closed (size)", head(b"GET_IMAGE", 2**30)),
    case("an unknown type of 1 GB", "closed (size)", head(b"VIDEO", 2**30)),
    case("half a header, then silence", "closed (slow-header)", GOOD[:30]),
    case("one byte, then silence", "closed (slow-header)", GOOD[:1]),
    case("half a body, then silence", "closed (idle-body)", GOOD[:-5]),
    case("a header of 250 MB, then silence", "closed (idle-body)", head(b"IMAGE", 250 * 2**20) + bytes(100)),
    case("half a header, then the end", "closed (cut)", GOOD[:30], leaves=True),
    case("half a body, then the end", "closed (cut)", GOOD[:-5], leaves=True),
    case("nothing, then the end", "nothing", leaves=True),
]

BAD_MESSAGES = [
    case("one bit of the body flipped", "dropped (crc)", DAMAGED),
    case("a CRC of zero", "dropped (crc)", head(b"TRANSFORM", 48) + struct.pack(">12f", *np.eye(4)[:3].T.ravel())),
    case("a body of another message", "dropped (crc)", GOOD[:58] + bytes(len(GOOD) - 58)),
    case("an empty device name", "dropped (name)", raw(b"STRING", b"\0\3\0\2hi", b"")),
    case("a blank device name", "dropped (name)", raw(b"STRING", b"\0\3\0\2hi", b"   ")),
    case("a device name with an escape sequence", "dropped (name)", raw(b"STRING", b"\0\3\0\2hi", b"CMD\x1b[2J")),
    case("a device name with a line break", "dropped (name)", raw(b"STRING", b"\0\3\0\2hi", b"a\nb")),
    case("a device name beyond ASCII", "dropped (name)", raw(b"STRING", b"\0\3\0\2hi", "Größe".encode())),
    case("a device name that is a path", "used", raw(b"STRING", b"\0\3\0\2hi", b"../../etc/passwd")),
    case("an unknown type", "dropped (type)", raw(b"POLYDATA", bytes(100))),
    case("an unknown type of 3 MB", "dropped (type)", raw(b"VIDEO", bytes(3_000_000))),
    case("an NDARRAY", "dropped (type)", raw(b"NDARRAY", bytes(100))),
    case("an image with NaN in its matrix", "dropped (matrix), rejected 1", image((12, ">f", NAN))),
    case("an image with infinity in its matrix", "dropped (matrix), rejected 1", image((48, ">f", INF))),
    case("an image with a singular matrix", "dropped (matrix), rejected 1", image((12, ">9f", (0.0,) * 9))),
    case("an image with pixels of 1e30 mm", "dropped (matrix), rejected 1", image((12, ">f", 1e30))),
    case("an image a light second away", "dropped (matrix), rejected 1", image((48, ">f", 3e11))),
    case("an image without pixels", "dropped (size), rejected 1", image((6, ">3H", (0, 0, 0)))),
    case("an image with more pixels than came", "dropped (size), rejected 1", image((6, ">H", 8), (66, ">H", 8))),
    case(
        "an image of 65535^3 pixels",
        "dropped (size), rejected 1",
        image((6, ">3H", (65535,) * 3), (66, ">3H", (65535,) * 3)),
    ),
    case("an image cut short", "dropped (size), rejected 1", image(cut=1)),
    case("an image with bytes to spare", "dropped (size), rejected 1", image(tail=b"\0")),
    case("an image of its header alone", "dropped (size), rejected 1", image(cut=2 * 3 * 4 * 4)),
    case("an image header cut short", "dropped (size), rejected 1", raw(b"IMAGE", bytes(71), b"MR Image")),
    case("an empty image body", "dropped (size), rejected 1", raw(b"IMAGE", b"", b"MR Image")),
    case("an image of format 2", "dropped (content), rejected 1", image((0, ">H", 2))),
    case("an image without components", "dropped (size), rejected 1", image((2, ">B", 0))),
    case("an image of scalar type 9", "dropped (content), rejected 1", image((3, ">B", 9))),
    case("an image of byte order 3", "dropped (content), rejected 1", image((4, ">B", 3))),
    case("an image of coordinates 0", "dropped (content), rejected 1", image((5, ">B", 0))),
    case("a sub-volume", "dropped (content), rejected 1", image((66, ">H", 3))),
    case("a sub-volume that starts elsewhere", "dropped (content), rejected 1", image((60, ">H", 1))),
    case("an image under a foreign name", "dropped (content), rejected 1", image(name=b"Somebody else")),
    case("a colour image", "dropped (content), rejected 1", picture(np.ones((1, 8, 8, 3), np.uint8))),
    case("an image with NaN pixels", "dropped (content), rejected 1", picture(ONE * NAN)),
    case("a float64 image beyond float32", "dropped (content), rejected 1", picture(ONE.astype(np.float64) * 1e300)),
    case("an image of quality 7", "dropped (metadata), rejected 1", picture(ONE, **{"TR.Quality": "7"})),
    case("a TRANSFORM with NaN", "dropped (matrix)", raw(b"TRANSFORM", struct.pack(">12f", *([NAN] * 12)))),
    case("a TRANSFORM of zeros", "dropped (matrix)", raw(b"TRANSFORM", bytes(48))),
    case("a TRANSFORM with two equal axes", "dropped (matrix)", raw(b"TRANSFORM", FLIPPED)),
    case("a TRANSFORM cut short", "dropped (size)", raw(b"TRANSFORM", bytes(40))),
    case("a STRING with a lying length", "dropped (size)", raw(b"STRING", b"\0\3\xff\xffhi")),
    case("a STRING without its header", "dropped (size)", raw(b"STRING", b"\0")),
    case("a STRING in an unknown encoding", "dropped (content)", raw(b"STRING", b"\x12\x34\0\2hi")),
    case("a STRING that is no text", "dropped (content)", raw(b"STRING", b"\0\3\0\2\xff\xfe")),
    case("a STATUS cut short", "dropped (size)", raw(b"STATUS", bytes(20))),
    case("a STATUS with a bad name", "dropped (name)", raw(b"STATUS", bytes(10) + b"\x07" * 20 + b"x\0")),
    case("a POINT of 135 bytes", "dropped (size)", raw(b"POINT", bytes(135))),
    case(
        "a POINT at infinity",
        "dropped (content)",
        raw(b"POINT", bytes(100) + struct.pack(">4f", INF, 0, 0, 0) + bytes(20)),
    ),
    case("a POINT without a point", "dropped (content)", raw(b"POINT", b"", b"TARGET")),
    case("TDATA with a singular matrix", "dropped (matrix)", raw(b"TDATA", bytes(70))),
    case("TDATA cut short", "dropped (size)", raw(b"TDATA", bytes(69))),
    case("CAPABILITY of 13 bytes", "dropped (size)", raw(b"CAPABILITY", bytes(13))),
    case("a STATUS of a peer in trouble", "used", message(Envelope(StatusMessage(3, "panic"), "Robot"))),
]

BAD_METADATA = [
    case("an extended header larger than the body", "dropped (metadata)", described(b"", b"", extended=60_000)),
    case("an extended header smaller than its fields", "dropped (metadata)", described(b"", b"", extended=4)),
    case("a body smaller than the extended header", "dropped (size)", raw(b"STRING", bytes(11), version=2)),
    case("metadata that reach beyond the message", "dropped (metadata)", described(entry(9, 9), b"ab")),
    case("metadata that leave bytes over", "dropped (metadata)", described(entry(1, 0), b"ab")),
    case("a wrong number of metadata entries", "dropped (metadata)", described(entry(1, 1, count=500), b"ab")),
    case("a metadata index of one byte", "dropped (metadata)", described(b"\0", b"")),
    case("a metadata key without a letter", "dropped (metadata)", described(entry(0, 2), b"ab")),
    case("a metadata key with a line break", "dropped (metadata)", described(entry(1, 1), b"\nb")),
    case("a metadata value that is no text", "dropped (metadata)", described(entry(1, 1), b"a\xff")),
    case("metadata in an unknown encoding", "dropped (metadata)", described(entry(1, 1, encoding=9), b"ab")),
    case(
        "metadata of 70 kB",
        "dropped (metadata), rejected 1",
        raw(
            b"IMAGE", struct.pack(">HHII", 12, 10, 70_000, 0) + bytes(200) + entry(1, 69_999) + b"a" * 70_000, version=2
        ),
    ),
    case("k-space of another version", "dropped (metadata), rejected 1", kspace(frame(), Version="2")),
    case("k-space in an unknown domain", "dropped (metadata), rejected 1", kspace(frame(), DataDomain="wavelet")),
    case("k-space with a wrong coil number", "dropped (metadata), rejected 1", kspace(frame(), NumCoils="7")),
    case("k-space with a negative index", "dropped (metadata), rejected 1", kspace(frame(), FrameIndex="-1")),
    case("k-space with an index of 40 digits", "dropped (metadata), rejected 1", kspace(frame(), FrameIndex="9" * 40)),
    case(
        "k-space acquired yesterday, in words",
        "dropped (metadata), rejected 1",
        kspace(frame(), AcqStartTime="yesterday"),
    ),
    case(
        "k-space that ends before it begins",
        "dropped (metadata), rejected 1",
        kspace(frame(), AcqStartTime="9", AcqEndTime="1"),
    ),
    case("k-space with half a time", "dropped (metadata), rejected 1", kspace(frame(), AcqEndTime=None)),
    case("k-space of the year 2200", "dropped (metadata), rejected 1", kspace(frame(), AcqEndTime="7258118400")),
    case("a mask of another size", "dropped (metadata), rejected 1", kspace(frame(), Mask="rowbits-b64:AAAAAAAA")),
    case("a mask that is not base64", "dropped (metadata), rejected 1", kspace(frame(), Mask="rowbits-b64:%%%")),
    case("a mask of another kind", "dropped (metadata), rejected 1", kspace(frame(), Mask="hex:0000")),
    case("a mask without a line", "dropped (content), rejected 1", kspace(frame(), Mask="rowbits-b64:AAA=")),
]

BAD_FRAMES = [
    case("k-space with NaN samples", "dropped (content), rejected 1", spoiled(NAN)),
    case("k-space with infinite samples", "dropped (content), rejected 1", spoiled(INF)),
    case(
        "k-space in whole numbers",
        "dropped (content), rejected 1",
        picture(np.ones((1, 8, 8, 2), np.int16), "KSPACE_IN"),
    ),
    case(
        "k-space with half a coil",
        "dropped (content), rejected 1",
        picture(np.ones((1, 8, 8, 3), np.float32), "KSPACE_IN"),
    ),
    case("an undersampled planning scan", "used, rejected 1", kspace(frame(), planning=True)),
    case("a frame twice", "used, accepted 1, repeated 1", kspace(frame(5)), kspace(frame(5))),
    case("two frames missing", "used, accepted 2, missing 2", kspace(frame(5)), kspace(frame(8))),
    case(
        "an index that steps back", "used, accepted 2, restarts 1, stepped back 1", kspace(frame(5)), kspace(frame(4))
    ),
    case(
        "a scanner that starts again at 0",
        "used, accepted 3, restarts 1, stepped back 1",
        *map(kspace, (frame(8), frame(0), frame(1))),
    ),
    case(
        "a table that moves",
        "used, accepted 2, restarts 1, moved 1",
        kspace(frame(5)),
        kspace(frame(6, ijk_to_ras=MOVED)),
    ),
    case(
        "another matrix in mid-stream",
        "used, accepted 2, restarts 1",
        kspace(frame(5)),
        kspace(KSpaceFrame(np.ones((2, 1, 24, 8), np.complex64), np.ones((1, 24), bool), GEOMETRY, 6, stream_id="s")),
    ),
    case(
        "another number of coils in mid-stream",
        "used, accepted 2, restarts 1",
        kspace(frame(5)),
        kspace(KSpaceFrame(np.ones((3, 1, 16, 8), np.complex64), np.ones((1, 16), bool), GEOMETRY, 6, stream_id="s")),
    ),
    case("a new series", "used, accepted 2, restarts 1", kspace(frame(5)), kspace(frame(0, stream_id="t"))),
    case(
        "two series in turns",
        "used, accepted 3, foreign 2, restarts 1",
        *map(kspace, (frame(5), frame(5, stream_id="t"), frame(6), frame(6, stream_id="t"), frame(7))),
    ),
    case(
        "a clock that jumps back an hour",
        "used, accepted 2",
        *(
            kspace(frame(index, acquisition_start_time=start, acquisition_end_time=start))
            for index, start in ((5, 9000.0), (6, 5400.0))
        ),
    ),
]

BAD_COMMANDS = [
    case("a command that does not exist", "answered (error)", text('{"command": "explode"}', "CMD_1")),
    case("a method that does not exist", "answered (error)", text('{"method": "magic"}', "CMD_1")),
    case("a command that is a list", "answered (error)", text("[1, 2]", "CMD_1")),
    case("a command of 3000 brackets", "answered (error)", text("[" * 3000, "CMD_1")),
    case("a command that is Python", "answered (error)", text("__import__('os').system('true')", "CMD_1")),
    case("a target of two numbers", "answered (error)", text('{"target": [1, 2]}', "CMD_1")),
    case("a target at infinity", "answered (error)", text('{"target": [1, 2, Infinity]}', "CMD_1")),
    case(
        "a target for an engine without",
        "dropped (content)",
        message(Envelope(PointMessage((PointElement((1.0, 2.0, 3.0)),)), "TARGET")),
    ),
    case("a question for what is not made here", "answered (not found)", head(b"GET_POLYDATA", 0, b"x")),
    case("a wish for what is not served", "answered (refused)", head(b"STT_TDATA", 0, b"x")),
]

SECTIONS = {
    "What is not OpenIGTLink": NOT_OPENIGTLINK,
    "Messages": BAD_MESSAGES,
    "Metadata": BAD_METADATA,
    "Frames and their order": BAD_FRAMES,
    "Commands and questions": BAD_COMMANDS,
}
BAD_INPUTS = [bad for section in SECTIONS.values() for bad in section]
