"""A recording can be read whenever the engine is killed: after every single write, not only between frames."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from engine_frames import still_frame
from TemporalReconLib.acquisition import guarded_file
from TemporalReconLib.acquisition.guarded_file import GuardedFile
from TemporalReconLib.acquisition.ismrmrd_writer import IsmrmrdAppender
from TemporalReconLib.acquisition.series import open_series

N_FRAMES = 36  # the second chunk of the table of lines begins at frame 32


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Every write and resize that reaches the disk, and how many of them there are after each frame."""
    operations: list[tuple[int, bytes | None]] = []
    write, truncate = GuardedFile._append, GuardedFile.truncate

    def noted_write(self, content):
        if len(content):
            operations.append((self.tell(), bytes(content)))
        write(self, content)

    def noted_truncate(self, size=None):
        operations.append((size, None))
        return truncate(self, size)

    patch = pytest.MonkeyPatch()
    patch.setattr(guarded_file.GuardedFile, "_append", noted_write)
    patch.setattr(guarded_file.GuardedFile, "truncate", noted_truncate)
    planning = still_frame(0, acceleration=1.0)
    appender = IsmrmrdAppender(tmp_path_factory.mktemp("rec") / "a.h5", still_frame(0), planning)
    ends = []
    for index in range(N_FRAMES):
        appender.append(still_frame(index))
        ends.append(len(operations))
    appender.close()
    patch.undo()
    return operations, ends


def after(operations, count):
    """The file as it is after some of the operations."""
    content = bytearray()
    for position, data in operations[:count]:
        size = position if data is None else max(len(content), position + len(data))
        content.extend(bytes(max(0, size - len(content))))
        if data is None:
            del content[size:]
        else:
            content[position : position + len(data)] = data
    return content


@pytest.mark.parametrize("frame", [1, 2, 31, 32, 33, N_FRAMES - 1])
def test_whenever_the_process_is_killed_all_frames_before_can_be_read(tmp_path, history, frame):
    operations, ends = history
    for count in range(ends[frame - 1], ends[frame] + 1):
        path = tmp_path / f"{count}.h5"
        path.write_bytes(after(operations, count))
        series = open_series(path)
        assert len(series) >= frame, f"killed after write {count}"
        np.testing.assert_array_equal(series.frame(frame - 1).data, still_frame(frame - 1).data)
        assert series.planning is not None


def test_what_waits_is_read_back_before_it_is_written(tmp_path):
    file = GuardedFile(tmp_path / "a.bin")
    file.write(b"0123456789")
    file.flush()
    file.seek(2)
    file.write(b"abc")
    file.seek(8)
    file.write(b"XYZW")
    assert (tmp_path / "a.bin").read_bytes() == b"0123456789ZW"
    buffer = bytearray(12)
    file.seek(0)
    assert file.readinto(buffer) == 12
    assert bytes(buffer) == b"01abc567XYZW"
    file.close()
    assert (tmp_path / "a.bin").read_bytes() == b"01abc567XYZW"


def test_an_hdf5_file_of_other_content_is_whole_when_closed(tmp_path):
    values = np.random.default_rng(0).random((50, 1000))
    guarded = GuardedFile(tmp_path / "a.h5")
    with h5py.File(guarded, "w") as file:
        data = file.create_dataset("x", (0, 1000), maxshape=(None, 1000), chunks=(7, 1000), dtype="f8")
        for row in values:
            data.resize(data.shape[0] + 1, axis=0)
            data[-1] = row
            file.flush()
    guarded.close()
    with h5py.File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file["x"][:], values)
