"""Files that we write, read back with the public ismrmrd package and its C++ tools."""

import dataclasses
import shutil
import subprocess
from pathlib import Path

import h5py
import ismrmrd
import ismrmrd.xsd
import numpy as np
import pytest
from TemporalReconLib.acquisition.ismrmrd_writer import SequenceParameters, write_ismrmrd
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace, kspace_to_image
from TemporalReconLib.geometry import ijk_to_ras_from_parts

ANGLE = 0.3
DIRECTIONS = np.array(
    [[-1.0, 0, 0], [0, -np.sin(ANGLE), np.cos(ANGLE)], [0, -np.cos(ANGLE), -np.sin(ANGLE)]]
).T  # columns i, j, k in RAS
GEOMETRY = ijk_to_ras_from_parts([60.0, 20.0, 55.0], DIRECTIONS, [1.5, 1.25, 4.0])


def frame_of(index: int, seed: int = 0, start: float = 100.0, acceleration: int = 4, **changes: object) -> KSpaceFrame:
    generator = np.random.default_rng([seed, index])
    mask = np.zeros((3, 48), dtype=bool)
    mask[:, index % acceleration :: acceleration] = True
    data = generator.standard_normal((2, 3, 48, 64, 2), dtype=np.float32) @ np.array([1, 1j], np.complex64)
    begin = start + 0.2 * index
    frame = KSpaceFrame(data * mask[None, :, :, None], mask, GEOMETRY, index, begin, begin + 0.2, "case")
    return dataclasses.replace(frame, **changes)  # type: ignore[arg-type]


def read(path: Path, group: str = "dataset") -> tuple[ismrmrd.xsd.ismrmrdHeader, list[ismrmrd.Acquisition]]:
    dataset = ismrmrd.Dataset(str(path), group, create_if_needed=False)
    header = ismrmrd.xsd.CreateFromDocument(dataset.read_xml_header())
    lines = [dataset.read_acquisition(n) for n in range(dataset.number_of_acquisitions())]
    dataset.close()
    return header, lines


def test_the_ismrmrd_package_reads_every_line_back(tmp_path) -> None:
    frames = [frame_of(index) for index in range(3)]
    assert write_ismrmrd(tmp_path / "case.h5", iter(frames)) == 3
    _, lines = read(tmp_path / "case.h5")
    assert len(lines) == sum(int(frame.mask.sum()) for frame in frames)
    for line in lines:
        frame = frames[line.idx.repetition]
        assert frame.mask[line.idx.slice, line.idx.kspace_encode_step_1]
        assert np.array_equal(line.data, frame.data[:, line.idx.slice, line.idx.kspace_encode_step_1])
        assert line.center_sample == 32


def test_header_states_sizes_in_mm_limits_and_sequence(tmp_path) -> None:
    sequence = SequenceParameters(4.56, 2.28, 66.0, 2.893)
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0), frame_of(1)], sequence=sequence)
    header, _ = read(tmp_path / "case.h5")
    encoding = header.encoding[0]
    for space in (encoding.encodedSpace, encoding.reconSpace):
        assert (space.matrixSize.x, space.matrixSize.y, space.matrixSize.z) == (64, 48, 1)
        size = space.fieldOfView_mm
        assert (size.x, size.y, size.z) == pytest.approx((96.0, 60.0, 4.0))
    limits = encoding.encodingLimits
    assert (limits.kspace_encoding_step_1.maximum, limits.kspace_encoding_step_1.center) == (47, 24)
    assert (limits.slice.maximum, limits.repetition.maximum) == (2, 1)
    assert encoding.trajectory == ismrmrd.xsd.trajectoryType.CARTESIAN
    assert encoding.parallelImaging.accelerationFactor.kspace_encoding_step_1 == 4
    parameters = header.sequenceParameters
    assert (parameters.TR[0], parameters.TE[0], parameters.flipAngle_deg[0]) == (4.56, 2.28, 66.0)
    assert header.experimentalConditions.H1resonanceFrequency_Hz == pytest.approx(123.2e6, rel=1e-3)


def test_positions_are_those_of_the_middle_pixel_in_lps(tmp_path) -> None:
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0)])
    _, lines = read(tmp_path / "case.h5")
    for line in lines:
        expected = GEOMETRY @ [32, 24, line.idx.slice, 1]
        assert np.allclose(list(line.position), [-expected[0], -expected[1], expected[2]], atol=1e-4)
        assert np.allclose(list(line.read_dir), DIRECTIONS[:, 0] * [-1, -1, 1], atol=1e-6)
        assert np.allclose(list(line.phase_dir), DIRECTIONS[:, 1] * [-1, -1, 1], atol=1e-6)
        assert np.allclose(list(line.slice_dir), DIRECTIONS[:, 2] * [-1, -1, 1], atol=1e-6)


def test_a_frame_without_a_place_is_written_without_one(tmp_path) -> None:
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0, has_geometry=False)])
    _, lines = read(tmp_path / "case.h5")
    assert not any(any(line.position) or any(line.read_dir) for line in lines)


def test_times_are_kept_in_ticks_and_exactly(tmp_path) -> None:
    start = 1_790_000_000.123456
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0, start=start), frame_of(1, start=start)])
    header, lines = read(tmp_path / "case.h5")
    origin = {p.name: p.value for p in header.userParameters.userParameterDouble}["time_origin_s"]
    assert origin == start
    exact = [line.user_int[0] + line.user_int[1] * 1e-6 for line in lines]
    assert exact == pytest.approx(np.arange(72) * 0.4 / 72, abs=2e-6)
    assert [line.acquisition_time_stamp for line in lines] == [round(t / 0.0025) for t in exact]
    assert lines[0].user_int[2] == pytest.approx(0.2 / 36 * 1e6, abs=1)


def test_first_and_last_lines_are_flagged(tmp_path) -> None:
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0), frame_of(1)])
    _, lines = read(tmp_path / "case.h5")
    last_of_slice = [n for n, line in enumerate(lines) if line.is_flag_set(ismrmrd.ACQ_LAST_IN_SLICE)]
    last_of_frame = [n for n, line in enumerate(lines) if line.is_flag_set(ismrmrd.ACQ_LAST_IN_REPETITION)]
    first_of_slice = [n for n, line in enumerate(lines) if line.is_flag_set(ismrmrd.ACQ_FIRST_IN_SLICE)]
    assert last_of_slice == [11, 23, 35, 47, 59, 71]
    assert last_of_frame == [35, 71]
    assert first_of_slice == [0, 12, 24, 36, 48, 60]


def test_the_planning_frame_has_its_own_group(tmp_path) -> None:
    planning = frame_of(0, seed=9, start=50.0, acceleration=1)
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0)], planning)
    header, lines = read(tmp_path / "case.h5", "planning")
    assert len(lines) == 3 * 48
    assert header.encoding[0].parallelImaging.accelerationFactor.kspace_encoding_step_1 == 1
    _, series = read(tmp_path / "case.h5")
    assert series[0].user_int[0] == 50  # one clock for both
    assert lines[0].user_int[0] == 0


def test_nothing_is_left_behind_when_the_series_breaks_off(tmp_path) -> None:
    def interrupted():
        yield frame_of(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_ismrmrd(tmp_path / "case.h5", interrupted())
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_survives_a_failure(tmp_path) -> None:
    write_ismrmrd(tmp_path / "case.h5", [frame_of(0)])
    before = (tmp_path / "case.h5").read_bytes()
    with pytest.raises(InputError, match="no frame"):
        write_ismrmrd(tmp_path / "case.h5", [])
    assert (tmp_path / "case.h5").read_bytes() == before


def test_frames_that_do_not_belong_together_are_refused(tmp_path) -> None:
    moved = np.array(GEOMETRY)
    moved[0, 3] += 5
    for second, reason in (
        (frame_of(1, ijk_to_ras=moved), "moved"),
        (frame_of(1, data=frame_of(1).data[:1]), "shape"),
        (frame_of(1, start=10.0), "order"),
    ):
        with pytest.raises(InputError, match=reason):
            write_ismrmrd(tmp_path / "case.h5", [frame_of(0), second])
    with pytest.raises(InputError, match="fully sampled"):
        write_ismrmrd(tmp_path / "case.h5", [frame_of(0)], frame_of(0))


@pytest.mark.interop
@pytest.mark.skipif(shutil.which("ismrmrd_recon_cartesian_2d") is None, reason="ismrmrd-tools are not installed")
def test_the_cpp_tool_reconstructs_our_file_to_the_same_image(tmp_path) -> None:
    y, x = np.mgrid[:48, :64]
    image = 5.0 * ((x > 20) & (x < 50) & (y > 5) & (y < 30)) + 3.0 * ((x - 30) ** 2 + (y - 20) ** 2 < 60)
    coils = np.stack([np.exp(-x / 40.0), 1j * np.exp(-y / 30.0)])[:, None]
    frame = KSpaceFrame(
        image_to_kspace(coils * image), np.ones((1, 48), dtype=bool), GEOMETRY, acquisition_end_time=0.2
    )
    write_ismrmrd(tmp_path / "case.h5", [frame])
    subprocess.run(["ismrmrd_recon_cartesian_2d", str(tmp_path / "case.h5")], check=True, capture_output=True)
    with h5py.File(tmp_path / "case.h5", "r") as file:
        theirs = file["dataset/cpp/data"][0, 0, 0]
    ours = np.sqrt((np.abs(kspace_to_image(frame.data)) ** 2).sum(axis=0))[0]
    scale = float((theirs * ours).sum() / (ours * ours).sum())
    assert np.abs(theirs - scale * ours).max() < 1e-3 * theirs.max()
