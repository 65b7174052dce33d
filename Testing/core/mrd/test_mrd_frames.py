"""Which lines make a frame, noise scans, tables and slices that move."""

from __future__ import annotations

import socket
import struct
import sys
import time
from pathlib import Path

import ismrmrd
import numpy as np
import pytest
from ismrmrd.hdf5 import acquisition_header_dtype
from TemporalReconLib.errors import InputError
from TemporalReconLib.mrd import connection as wire
from TemporalReconLib.mrd.frame_rule import FrameRule
from TemporalReconLib.mrd.frame_stream import FrameStream
from TemporalReconLib.mrd.server import MrdServer

sys.path.insert(0, str(Path(__file__).parents[1] / "acquisition"))
from mrd_files import COILS, COLUMNS, header_xml

N_SAMPLES = 2 * COLUMNS
ONE_SLICE = header_xml(slice_maximum=0).encode()
SQUARE = {"read_dir": (1, 0, 0), "phase_dir": (0, 1, 0), "slice_dir": (0, 0, 1)}


def a_head(row=0, repetition=0, slice_number=0, flags=(), **fields):
    """An MRD acquisition header as a numpy record."""
    data = np.zeros((COILS, N_SAMPLES), np.complex64)
    acquisition = ismrmrd.Acquisition.from_array(data, center_sample=COLUMNS, sample_time_us=5.0)
    acquisition.idx.kspace_encode_step_1 = row
    acquisition.idx.repetition = repetition
    acquisition.idx.slice = slice_number
    for flag in flags:
        acquisition.set_flag(flag)
    for name, value in {**SQUARE, **fields}.items():
        if name == "sample_time_us":
            acquisition.sample_time_us = value
        else:
            getattr(acquisition, name)[:] = value
    return np.frombuffer(bytes(acquisition.to_bytes())[:340], dtype=acquisition_header_dtype)[0]


def line_of(value):
    """Samples of a line whose every number is ``value``."""
    return np.full((COILS, N_SAMPLES), value, np.complex64)


class Scan:
    """A stream with what it delivers."""

    def __init__(self, rule="repetition", xml=ONE_SLICE):
        self.series, self.frames, self.errors = [], [], []
        self.stream = FrameStream(
            "mrd", lambda info: self.series.append(info.stream_id), self.frames.append, rule=FrameRule.parsed(rule)
        )
        self.stream.start(xml)

    def send(self, head, samples=None):
        try:
            self.stream.add(head, line_of(1) if samples is None else samples)
        except InputError as error:
            self.errors.append(str(error))

    def rows(self, slice_number=0):
        return [np.flatnonzero(frame.mask[slice_number]).tolist() for frame in self.frames]


def test_a_number_of_lines_makes_a_frame_and_the_rest_comes_with_the_end():
    scan = Scan("lines:4")
    for row in range(10):
        scan.send(a_head(row))
    scan.stream.finish()
    assert scan.rows() == [[0, 1, 2, 3], [4, 5, 6, 7], [6, 7, 8, 9]]
    assert [frame.index for frame in scan.frames] == [0, 1, 2]


def test_sliding_frames_overlap():
    scan = Scan("sliding:6/2")
    for row in range(10):
        scan.send(a_head(row))
    assert scan.rows() == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5, 6, 7], [4, 5, 6, 7, 8, 9]]


def test_a_line_that_comes_twice_counts_at_its_newest():
    scan = Scan("lines:4")
    for row, value in ((0, 1.0), (1, 1.0), (0, 5.0), (2, 1.0)):
        scan.send(a_head(row), line_of(value))
    (frame,) = scan.frames
    assert scan.rows() == [[0, 1, 2]] and scan.errors == []
    assert np.abs(frame.data[:, 0, 0]).sum() == pytest.approx(5 * np.abs(frame.data[:, 0, 1]).sum(), rel=1e-5)


def test_lines_of_all_slices_count_and_slices_stay_where_they_are():
    scan = Scan("lines:4", header_xml(slice_maximum=1).encode())
    for count in range(8):
        scan.send(a_head(count // 2, slice_number=count % 2, position=(0, 0, 4.0 * (count % 2))))
    assert scan.rows(0) == scan.rows(1) == [[0, 1], [2, 3]]
    assert all(frame.has_geometry for frame in scan.frames)


def test_a_line_that_fits_nowhere_costs_itself_only():
    scan = Scan("lines:3")
    for row in (0, 1, 99, 2):
        scan.send(a_head(row))
    assert scan.rows() == [[0, 1, 2]]
    assert len(scan.errors) == 1 and "line 99" in scan.errors[0]


@pytest.mark.parametrize(
    "text", ["lines:0", "lines", "sliding:4", "sliding:4/5", "sliding:4/0", "lines:99999", "every:3"]
)
def test_a_rule_that_means_nothing_is_refused(text):
    with pytest.raises(InputError, match="expected repetition, lines:N or sliding:N/STEP"):
        FrameRule.parsed(text)


def of_vendor(name):
    text = f"<acquisitionSystemInformation><systemVendor>{name}</systemVendor></acquisitionSystemInformation>"
    return ONE_SLICE.replace(b"<experimentalConditions>", text.encode() + b"<experimentalConditions>")


@pytest.mark.parametrize(
    ("xml", "is_understood"),
    [
        (ONE_SLICE, True),
        (of_vendor("SIEMENS"), True),
        (of_vendor("Siemens Healthineers"), True),
        (of_vendor("GE MEDICAL SYSTEMS"), False),
        (of_vendor("Philips"), False),
    ],
)
def test_ticks_count_only_where_their_length_is_known(xml, is_understood):
    """400 ticks are a second at Siemens; where they may be anything, arrival is the time, and is said to be."""
    scan = Scan("lines:1", xml)
    before = time.time()
    for row in range(3):
        head = a_head(row)
        head = head.copy()
        head["acquisition_time_stamp"] = 1000 + 400 * row
        scan.send(head)
    after = time.time()
    starts = [frame.acquisition_start_time for frame in scan.frames]
    assert scan.stream.has_clock == is_understood
    if is_understood:
        np.testing.assert_allclose(np.diff(starts), 1.0, atol=1e-6)
    else:
        assert all(before <= start <= after for start in starts)


def test_a_table_that_trembles_stays_where_it_is():
    scan = Scan("lines:2")
    for row in range(6):
        scan.send(a_head(row, patient_table_position=(0, 0, 1500.0 + row % 2)))
    assert len(scan.series) == 1 and len(scan.frames) == 3


@pytest.mark.parametrize("rule", ["repetition", "lines:2"])
def test_a_table_that_moves_begins_a_new_series(rule):
    scan = Scan(rule)
    for table, rows in ((0.0, (0, 1)), (-35.0, (2, 3))):
        for row in rows:
            scan.send(a_head(row, patient_table_position=(0, 0, table)))
    scan.stream.finish()
    assert scan.rows() == [[0, 1], [2, 3]]
    assert [frame.stream_id for frame in scan.frames] == scan.series == ["mrd-0", "mrd-1"]


def test_lines_of_a_slice_that_moved_within_its_repetition_are_left_out_until_the_next():
    scan = Scan()
    for row, repetition, z in ((0, 0, 0.0), (1, 0, 0.0), (2, 0, 8.0), (0, 1, 8.0), (1, 1, 8.0)):
        scan.send(a_head(row, repetition, position=(0, 0, z)))
    scan.stream.finish()
    assert scan.rows() == [[0, 1], [0, 1]]
    assert [frame.ijk_to_ras[2, 3] for frame in scan.frames] == pytest.approx([0.0, 8.0])
    assert len(scan.errors) == 1 and "slice 0 moved within repetition 0" in scan.errors[0]


def test_lines_of_two_places_never_meet_in_a_sliding_frame():
    scan = Scan("sliding:4/2")
    for row in range(8):
        tilt = {} if row < 5 else {"phase_dir": (0, 0, 1), "slice_dir": (0, -1, 0)}
        scan.send(a_head(row, **tilt))
    scan.stream.finish()
    assert scan.rows() == [[0, 1, 2, 3], [1, 2, 3, 4], [5, 6, 7]]


MIXING = np.array([[3.0, 0.0], [1.0 + 2.0j, 0.5]])


def correlated_noise(n_lines, seed=0):
    """Lines of noise that the two coils share."""
    generator = np.random.default_rng(seed)
    normal = generator.normal(size=(n_lines, COILS, N_SAMPLES, 2)) @ [1.0, 1.0j]
    return (MIXING @ normal).astype(np.complex64)


def noise_head(**fields):
    return a_head(flags=(ismrmrd.ACQ_IS_NOISE_MEASUREMENT,), **fields)


@pytest.mark.parametrize("dwell_us", [5.0, 20.0])
def test_after_a_noise_scan_coils_have_independent_noise_of_unit_strength(dwell_us):
    scan = Scan("lines:12")
    for samples in correlated_noise(200):
        scan.send(noise_head(sample_time_us=dwell_us), samples)
    # A longer dwell time of the noise scan means less of it there.
    noise = (correlated_noise(12, seed=1) * np.sqrt(dwell_us / 5.0)).astype(np.complex64)
    for row, samples in enumerate(noise):
        scan.send(a_head(row), samples)
    noise = scan.frames[0].data.reshape(COILS, -1)
    covariance = noise @ noise.conj().T / noise.shape[1]
    np.testing.assert_allclose(covariance, 2 * np.eye(COILS), atol=0.6)
    assert scan.errors == []


def test_a_noise_scan_that_cannot_be_used_is_told_and_costs_no_line():
    dead_coil = correlated_noise(50)
    dead_coil[:, 1] = 0
    for noise, why in ((correlated_noise(1), "too short"), (dead_coil, "coil 1 has no noise")):
        scan = Scan("lines:3")
        for samples in noise:
            scan.send(noise_head(), samples)
        for row in range(3):
            scan.send(a_head(row))
        assert scan.rows() == [[0, 1, 2]]
        assert len(scan.errors) == 1 and why in scan.errors[0]
        reference = Scan("lines:3")
        for row in range(3):
            reference.send(a_head(row))
        np.testing.assert_array_equal(scan.frames[0].data, reference.frames[0].data)


@pytest.mark.parametrize("rule", ["repetition", "lines:3"])
@pytest.mark.parametrize("has_noise_scan", [True, False])
def test_a_line_of_other_coils_is_left_out_and_costs_no_frame(rule, has_noise_scan):
    scan = Scan(rule)
    if has_noise_scan:
        for samples in correlated_noise(200):
            scan.send(noise_head(), samples)
    for row in range(3):
        scan.send(a_head(row))
        if row == 1:
            scan.send(a_head(5), np.ones((COILS + 1, N_SAMPLES), np.complex64))
    scan.stream.finish()
    assert scan.rows() == [[0, 1, 2]]
    assert len(scan.errors) == 1 and "coils" in scan.errors[0]


def test_noise_that_comes_during_a_series_does_not_change_its_scale():
    scan = Scan("lines:1")
    scan.send(a_head(0))
    for samples in correlated_noise(200):
        scan.send(noise_head(), samples)
    scan.send(a_head(0))
    np.testing.assert_array_equal(scan.frames[0].data, scan.frames[1].data)


def test_a_scanner_killed_while_images_wait_for_it_is_followed_by_its_successor_at_once():
    frames = []
    header = wire.encode_text(wire.HEADER, ONE_SLICE)
    line = wire.encode_acquisition(a_head(0).tobytes() + line_of(1).tobytes())
    with MrdServer(port=0, on_frame=frames.append, rule=FrameRule(1, 1)) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by a reset
            sock.sendall(header + line + line[:100])
            deadline = time.monotonic() + 30
            while not frames and time.monotonic() < deadline:
                time.sleep(0.01)
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(header + line)
            while len(frames) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
        assert len(frames) == 2


@pytest.mark.parametrize("shape", [(0, 8), (2, 0), (60_000, 1)], ids=["no coil", "no sample", "60,000 coils"])
def test_a_noise_line_of_an_absurd_shape_is_left_out_and_costs_neither_memory_nor_the_scan(shape):
    scan = Scan()
    scan.send(noise_head(), correlated_noise(1)[0])
    with pytest.raises(InputError, match=f"a line of {shape[0]} coils and {shape[1]} samples"):
        scan.stream.add(noise_head(), np.ones(shape, np.complex64))
