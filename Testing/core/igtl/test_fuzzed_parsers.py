"""Whatever metadata, commands and streams come over a socket, they are read or refused in one line.

The parsers one by one are in ``Testing/fuzz``. ``FUZZ_EXAMPLES=20000`` looks longer.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import ismrmrd
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.mrd_header import parse_mrd_header
from TemporalReconLib.engine.router import ACTIONS, parse_command
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.codec import encode
from TemporalReconLib.igtl.connection import Connection, Limits
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.frames import kspace_envelope
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import StringMessage
from TemporalReconLib.mrd import connection as mrd_wire
from TemporalReconLib.mrd.connection import MrdConnection
from TemporalReconLib.mrd.frame_rule import FrameRule
from TemporalReconLib.mrd.frame_stream import FrameStream

sys.path.insert(0, str(Path(__file__).parents[1] / "acquisition"))
from mrd_files import COLUMNS, header_xml

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
fuzzed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
few = settings(fuzzed, max_examples=max(15, EXAMPLES // 4))
QUICK = Limits(header_s=0.5, body_idle_s=0.5)


def frame():
    mask = np.ones((1, 8), dtype=bool)
    return KSpaceFrame(np.ones((1, 1, 8, 4), np.complex64), mask, np.eye(4), 3, 1.0, 2.0, "s")


KSPACE = b"".join(encode(kspace_envelope(frame())))
IMAGE = b"".join(encode(Envelope(ImageMessage(np.ones((1, 3, 4), np.int16), np.eye(4)), "MR Image", 1.0, {"a": "b"})))
STRING = b"".join(encode(Envelope(StringMessage("text"), "CMD_1", 1.0, {"key": "value"})))
HEADER = mrd_wire.encode_text(mrd_wire.HEADER, header_xml().encode())


def refused_in_one_line(error):
    assert "\n" not in str(error) and len(str(error)) < 1000


@st.composite
def damaged(draw, messages):
    """A good message with some bytes changed, cut, or doubled, and the CRC set right again."""
    raw = bytearray(draw(st.sampled_from(messages)))
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, len(raw) - 1))
        raw[position : position + draw(st.sampled_from([0, 1, 1, 2, 4]))] = draw(st.binary(max_size=4))
    return bytes(raw)


@fuzzed
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "TR.Mask",
                "TR.NumCoils",
                "TR.FrameIndex",
                "TR.AcqStartTime",
                "TR.AcqEndTime",
                "TR.DataDomain",
                "TR.Version",
                "TR.StreamID",
                "TR.Role",
                "TR.Quality",
                "TR.HasGeometry",
            ]
        ),
        st.one_of(st.text(max_size=30), st.floats().map(str), st.integers().map(str), st.just("rowbits-b64:/w==")),
    )
)
def test_any_metadata_make_a_frame_or_are_refused(metadata):
    envelope = kspace_envelope(frame())
    try:
        incoming = FrameReader().read(Envelope(envelope.message, "KSPACE_IN", 1.0, metadata, arrival_time=5.0))
        assert incoming.frame.index >= 0
    except InputError as error:
        refused_in_one_line(error)


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@fuzzed
@given(name=st.text(max_size=12), content=st.one_of(st.text(max_size=60), json_like.map(repr)))
def test_any_command_is_understood_or_refused(name, content):
    try:
        action, arguments = parse_command(name, content)
        assert action in ACTIONS and isinstance(arguments, dict)
    except InputError as error:
        refused_in_one_line(error)


def read_all(connection_of, content):
    """What a connection makes of these bytes, sent at once and then ended."""
    server = socket.create_server(("127.0.0.1", 0))
    with server, socket.create_connection(server.getsockname()) as sender:
        accepted, _ = server.accept()
        connection = connection_of(accepted)
        thread = threading.Thread(target=_send, args=(sender, content), daemon=True)
        thread.start()
        received = []
        try:
            while (message := connection.read()) is not None:
                received.append(message)
        except InputError as error:
            refused_in_one_line(error)
        except OSError:
            pass
        finally:
            connection.close()
            thread.join(5.0)
    return received


def _send(sender, content):
    try:
        sender.sendall(content)
        sender.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the reader has had enough


@few
@given(st.lists(st.one_of(damaged([KSPACE, IMAGE, STRING]), st.sampled_from([IMAGE, STRING])), max_size=4))
def test_any_stream_of_openigtlink_is_cut_into_messages_or_ended(pieces):
    for header, body in read_all(lambda sock: Connection(sock, QUICK), b"".join(pieces)):
        assert len(body) in (0, header.body_size)


def a_line():
    acquisition = ismrmrd.Acquisition.from_array(np.ones((2, 2 * COLUMNS), np.complex64), center_sample=COLUMNS)
    acquisition.set_flag(ismrmrd.ACQ_LAST_IN_REPETITION)
    return mrd_wire.encode_acquisition(bytes(acquisition.to_bytes()))


@few
@given(
    st.lists(st.one_of(damaged([HEADER, a_line()]), st.just(a_line())), max_size=4),
    st.sampled_from(["repetition", "lines:2"]),
)
def test_any_mrd_stream_becomes_frames_or_is_refused(pieces, rule):
    frames = []
    stream = FrameStream("s", lambda info: None, frames.append, rule=FrameRule.parsed(rule))
    for message in read_all(lambda sock: MrdConnection(sock, QUICK), HEADER + b"".join(pieces)):
        try:
            if message.id == mrd_wire.HEADER:
                stream.start(message.text)
            elif message.id == mrd_wire.ACQUISITION:
                stream.add(message.head, message.samples)
        except InputError as error:
            refused_in_one_line(error)
    for made in frames:
        assert np.all(np.isfinite(made.data.view(np.float32)))


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
        + "]>",
        '<!DOCTYPE a [<!ENTITY j SYSTEM "file:///etc/passwd">]>',
    ],
    ids=["entities that multiply", "a file of this computer"],
)
def test_entities_in_an_mrd_header_neither_fill_the_memory_nor_read_files(prologue):
    xml = header_xml().replace('<?xml version="1.0"?>', '<?xml version="1.0"?>' + prologue)
    xml = xml.replace("<trajectory>cartesian", "<trajectory>&j;")
    with pytest.raises(InputError) as caught:
        parse_mrd_header(xml.encode(), "header")
    assert "root:" not in str(caught.value)
