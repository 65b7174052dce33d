"""MRD over a real socket: frames as the file reader gives them, images back where they belong, no trust."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import ismrmrd
import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.igtl.connection import Limits
from TemporalReconLib.igtl.errors import LinkLostError
from TemporalReconLib.mrd import connection as wire
from TemporalReconLib.mrd.client import send_mrd
from TemporalReconLib.mrd.server import MrdServer

sys.path.insert(0, str(Path(__file__).parents[1] / "acquisition"))
from mrd_files import COLUMNS, ROWS, SLICES, all_lines, an_oblique_image, header_xml, images, write_mrd
from waiting import wait_until

QUICK = Limits(header_s=0.3, body_idle_s=0.3, send_idle_s=1.0)


class Pipeline:
    """Keeps what the server delivers and answers every frame with its picture."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.frames: list[KSpaceFrame] = []
        self.server = MrdServer(
            port=0,
            on_frame=self.on_frame,
            on_series_start=lambda info: self.events.append(f"start {info.stream_id} {info.image_shape}"),
            on_series_end=lambda: self.events.append("end"),
            limits=QUICK,
        )

    def on_frame(self, frame: KSpaceFrame) -> None:
        self.events.append(f"frame {frame.index}")
        self.frames.append(frame)
        picture = np.abs(kspace_to_image(frame.data)[0])
        self.server.send_image(
            ImageFrame(
                *(picture, frame.ijk_to_ras, frame.index),
                stream_id=frame.stream_id,
                has_geometry=frame.has_geometry,
                method="zero-filled",
            )
        )


@pytest.fixture
def pipeline():
    pipeline = Pipeline()
    with pipeline.server:
        yield pipeline


@pytest.fixture
def a_file(tmp_path):
    lines = [line for line in all_lines(3) if (line.row + line.frame) % 2 == 0]
    return write_mrd(tmp_path / "case.h5", lines, images(3), place=an_oblique_image())


def connect(pipeline: Pipeline) -> socket.socket:
    return socket.create_connection(("127.0.0.1", pipeline.server.port), timeout=5)


def read_to_end(sock: socket.socket) -> bytes:
    content = b""
    while chunk := sock.recv(65536):
        content += chunk
    return content


def a_line(row: int = 0, repetition: int = 0, last: bool = False, **head) -> bytes:
    data = np.ones((2, 2 * COLUMNS), dtype=np.complex64)
    acquisition = ismrmrd.Acquisition.from_array(data, center_sample=COLUMNS, **head)
    acquisition.idx.kspace_encode_step_1 = row
    acquisition.idx.repetition = repetition
    if last:
        acquisition.set_flag(ismrmrd.ACQ_LAST_IN_REPETITION)
    return wire.encode_acquisition(bytes(acquisition.to_bytes()))


def a_header(**changes) -> bytes:
    return wire.encode_text(wire.HEADER, header_xml(**changes).encode())


def test_streamed_frames_are_those_of_the_file_reader(pipeline, a_file):
    reply = send_mrd(a_file, port=pipeline.server.port)
    series = open_series(a_file)

    assert reply.is_closed_properly
    assert pipeline.events == [
        f"start mrd-0-0 {(SLICES, ROWS, COLUMNS)}", "frame 0", "frame 1", "frame 2", "end"
    ]  # fmt: skip
    for streamed, read in zip(pipeline.frames, series, strict=True):
        np.testing.assert_array_equal(streamed.data, read.data)
        np.testing.assert_array_equal(streamed.mask, read.mask)
        np.testing.assert_array_equal(streamed.ijk_to_ras, read.ijk_to_ras)
        assert streamed.has_geometry


def test_images_carry_the_table_of_their_lines_back(pipeline):
    """As the scanner states it, in its own unit; one that moved begins a new series."""
    tables = [(0.0, 1.5, -350.0), (0.0, 1.5, -420.0)]
    with connect(pipeline) as sock:
        sock.sendall(a_header(slice_maximum=0))
        for repetition, table in enumerate(tables):
            for row in range(ROWS):
                sock.sendall(a_line(row, repetition, last=row == ROWS - 1, patient_table_position=table))
        sock.shutdown(socket.SHUT_WR)
        connection = wire.MrdConnection(sock)
        images = []
        while (message := connection.read()) is not None and message.id != wire.CLOSE:
            if message.id == wire.IMAGE:
                images.append(ismrmrd.Image.from_bytes(message.content))
    assert [tuple(image.patient_table_position) for image in images] == tables
    assert [event.split()[0] for event in pipeline.events] == ["start", "frame", "start", "frame", "end"]


def test_frame_times_are_now_and_keep_the_scanners_intervals(pipeline, a_file):
    before = time.time()
    send_mrd(a_file, port=pipeline.server.port)
    times = [frame.acquisition_start_time for frame in pipeline.frames]
    assert before - 0.1 <= times[0] <= time.time()
    np.testing.assert_allclose(np.diff(times), 0.1, atol=0.03)


def test_images_come_back_slice_by_slice_where_itk_says_they_lie(pipeline, a_file):
    reply = send_mrd(a_file, port=pipeline.server.port)
    place = an_oblique_image()
    axes = np.array(place.GetDirection()).reshape(3, 3)

    assert len(reply.images) == 3 * SLICES
    for number, image in enumerate(reply.images):
        frame, k = divmod(number, SLICES)
        assert (image.repetition, image.slice) == (frame, k)
        expected = np.abs(kspace_to_image(pipeline.frames[frame].data)[0, k])
        np.testing.assert_array_equal(image.data[0, 0], expected)
        position = place.TransformIndexToPhysicalPoint((COLUMNS // 2, ROWS // 2, k))
        np.testing.assert_allclose(list(image.position), position, atol=1e-3)
        np.testing.assert_allclose([list(image.read_dir), list(image.phase_dir)], axes.T[:2], atol=1e-5)
        np.testing.assert_allclose(list(image.field_of_view), [15, 15, 3.6], atol=1e-3)


def test_a_planning_scan_in_the_file_is_sent_as_the_first_frame(pipeline, a_file):
    write_mrd(a_file, all_lines(1), images(1), place=an_oblique_image(), group="planning")
    send_mrd(a_file, port=pipeline.server.port)
    assert [frame.is_fully_sampled for frame in pipeline.frames] == [True, False, False, False]


def test_scanners_are_served_one_after_the_other(pipeline, a_file):
    threads = [threading.Thread(target=send_mrd, args=(a_file, "127.0.0.1", pipeline.server.port)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    starts = [index for index, event in enumerate(pipeline.events) if event.startswith("start")]
    assert pipeline.events[starts[1] - 1] == "end"
    assert len(pipeline.frames) == 6
    assert len({frame.stream_id for frame in pipeline.frames}) == 2


def test_a_frame_flagged_last_is_delivered_without_waiting_for_the_next(pipeline):
    with connect(pipeline) as sock:
        sock.sendall(a_header() + a_line(0) + a_line(6, last=True))
        wait_until(lambda: len(pipeline.frames) == 1)
        assert np.flatnonzero(pipeline.frames[0].mask[0]).tolist() == [0, 6]


def test_a_lost_repetition_is_a_gap_in_the_frame_numbers(pipeline):
    with connect(pipeline) as sock:
        lines = [a_line(repetition=repetition, last=True) for repetition in (65534, 65535, 1, 2)]
        sock.sendall(a_header() + b"".join(lines) + wire.encode_close())
        read_to_end(sock)
    assert [frame.index for frame in pipeline.frames] == [0, 1, 3, 4]


def test_a_message_dripping_in_small_pieces_is_understood(pipeline):
    with connect(pipeline) as sock:
        content = wire.encode_config_file("x") + a_header() + a_line(3, last=True)
        for start in range(0, len(content), 61):
            sock.sendall(content[start : start + 61])
            time.sleep(0.001)
        wait_until(lambda: len(pipeline.frames) == 1)


def test_texts_and_physiological_waveforms_are_passed_over(pipeline):
    waveform = struct.pack("<H", wire.WAVEFORM) + bytes(28) + struct.pack("<HH", 5, 2) + bytes(8) + bytes(4 * 10)
    with connect(pipeline) as sock:
        sock.sendall(a_header() + wire.encode_text(wire.TEXT, b"hello") + waveform + a_line(last=True))
        wait_until(lambda: len(pipeline.frames) == 1)
    assert pipeline.server.counters().dropped == {}


@pytest.mark.parametrize(
    "bad",
    [
        a_line(row=500),
        a_line(discard_pre=100),
        a_line(0),
    ],
    ids=["line outside", "samples that do not fit", "line twice"],
)
def test_a_bad_line_is_dropped_counted_and_reported_and_the_frame_goes_on(pipeline, bad):
    with connect(pipeline) as sock:
        sock.sendall(a_header() + a_line(0) + bad + a_line(6, last=True) + wire.encode_close())
        answer = read_to_end(sock)
    assert np.flatnonzero(pipeline.frames[0].mask[0]).tolist() == [0, 6]
    assert pipeline.server.counters().dropped == {"content": 1}
    assert answer.count(b"MRD stream: ") == 1
    assert answer.endswith(wire.encode_close())


def test_lines_before_a_header_or_after_a_bad_one_are_dropped_until_a_good_one_comes(pipeline):
    with connect(pipeline) as sock:
        sock.sendall(a_line() + a_header(trajectory="spiral") + a_line(last=True) + a_header() + a_line(last=True))
        wait_until(lambda: len(pipeline.frames) == 1)
    assert sum(pipeline.server.counters().dropped.values()) == 3


def test_nan_samples_cost_one_line_not_the_frame(pipeline):
    line = bytearray(a_line(4))
    line[-4:] = struct.pack("<f", float("nan"))
    with connect(pipeline) as sock:
        sock.sendall(a_header() + bytes(line) + a_line(6, last=True))
        wait_until(lambda: len(pipeline.frames) == 1)
    assert np.flatnonzero(pipeline.frames[0].mask[0]).tolist() == [6]


OFF = {
    "http": (b"GET / HTTP/1.1\r\n\r\n", "type"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "type"),
    "unknown id": (struct.pack("<H", 4711), "type"),
    "text of 4 GB": (struct.pack("<HI", wire.TEXT, 2**32 - 1), "size"),
    "header of 2 MB": (struct.pack("<HI", wire.HEADER, 2**21), "size"),
    "line of 34 GB": (struct.pack("<H", wire.ACQUISITION) + b"\xff" * wire.ACQUISITION_HEADER_BYTES, "size"),
    "image attributes of 2**64 bytes": (
        struct.pack("<H", wire.IMAGE) + bytes(wire.IMAGE_HEADER_BYTES) + b"\xff" * 8,
        "size",
    ),
    "half an id": (b"\x03", "slow-header"),
    "half a header": (struct.pack("<H", wire.ACQUISITION) + bytes(100), "slow-header"),
    "half a text": (struct.pack("<HI", wire.HEADER, 1000) + b"<ismrmrd", "idle-body"),
}


@pytest.mark.parametrize(("content", "reason"), OFF.values(), ids=OFF.keys())
def test_lost_framing_closes_this_scanner_soon_and_serves_the_next(pipeline, a_file, content, reason):
    with connect(pipeline) as sock:
        sock.sendall(content)
        started = time.monotonic()
        read_to_end(sock)
        assert time.monotonic() - started < 3
    assert pipeline.server.counters().closed == {reason: 1}
    assert send_mrd(a_file, port=pipeline.server.port).is_closed_properly


def test_a_scanner_that_leaves_inside_a_message_is_counted(pipeline):
    with connect(pipeline) as sock:
        sock.sendall(a_header() + a_line()[:500])
    wait_until(lambda: pipeline.server.counters().closed == {"cut": 1})


def test_a_scanner_that_never_reads_does_not_delay_the_pipeline(pipeline):
    big = ImageFrame(np.ones((1, 512, 512), dtype=np.float32), np.eye(4))
    with connect(pipeline) as sock:
        sock.sendall(a_header())
        wait_until(lambda: bool(pipeline.events))
        results = [pipeline.server.send_image(replace(big, index=index)) for index in range(100)]
        assert not all(results)
        sock.sendall(a_line(0, last=True))
        wait_until(lambda: len(pipeline.frames) == 1)
    assert pipeline.server.counters().skipped_sends > 0


def test_a_defect_in_the_pipeline_does_not_end_the_service(a_file):
    def fail(frame):
        raise ZeroDivisionError

    with MrdServer(port=0, on_frame=fail, limits=QUICK) as server:
        with contextlib.suppress(LinkLostError):
            send_mrd(a_file, port=server.port, timeout_s=3)
        assert server.counters().closed == {"error": 1}
        assert server.counters().clients == 0


def test_without_a_scanner_an_image_is_not_sent(pipeline):
    assert not pipeline.server.send_image(ImageFrame(np.ones((1, 4, 4), dtype=np.float32), np.eye(4)))


def test_other_machines_need_to_be_allowed():
    with pytest.raises(InputError, match="allowed peers"):
        MrdServer(port=0, host="0.0.0.0", on_frame=lambda frame: None)


def test_a_taken_port_and_an_absent_server_are_told_in_one_line(pipeline, a_file):
    with pytest.raises(InputError, match="another program"):
        MrdServer(port=pipeline.server.port, on_frame=lambda frame: None).start()
    pipeline.server.stop()
    with pytest.raises(LinkLostError, match="start it first"):
        send_mrd(a_file, port=pipeline.server.port)
