"""ISMRMRD files against the pictures they were written from, and geometry against ITK."""

from __future__ import annotations

import h5py
import ismrmrd
import numpy as np
import pytest
from mrd_files import COLUMNS, ROWS, SLICES, Line, all_lines, an_oblique_image, header_xml, images, write_mrd
from TemporalReconLib.acquisition.ismrmrd_writer import write_ismrmrd
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace, kspace_to_image
from TemporalReconLib.geometry import lps_to_ras, spacing_of, transform_points


def pictures_of(frame: KSpaceFrame) -> np.ndarray:
    return kspace_to_image(frame.data)


def test_every_frame_is_the_picture_it_was_written_from_without_readout_oversampling(tmp_path):
    pictures = images(3)
    series = open_series(write_mrd(tmp_path / "a.h5", all_lines(3), pictures))

    assert (len(series), series.image_shape, series.is_kspace) == (3, (SLICES, ROWS, COLUMNS), True)
    for index, frame in enumerate(series):
        np.testing.assert_allclose(pictures_of(frame), pictures[index], atol=1e-5)
        assert (frame.index, frame.is_fully_sampled, frame.stream_id) == (index, True, "a")


def test_a_bright_voxel_lies_where_itk_says(tmp_path):
    place = an_oblique_image()
    for i, j, k in [(0, 0, 0), (9, 2, 2), (3, 11, 1)]:
        picture = np.zeros((1, 2, SLICES, ROWS, COLUMNS), dtype=np.complex64)
        picture[0, :, k, j, i] = 1.0
        path = tmp_path / f"{i}{j}{k}.h5"
        frame = open_series(write_mrd(path, all_lines(1), picture, place=place)).frame(0)

        found = np.unravel_index(np.abs(pictures_of(frame)[0]).argmax(), frame.image_shape)
        lps = np.array(place.TransformIndexToPhysicalPoint((i, j, k)))
        assert frame.has_geometry
        np.testing.assert_allclose(transform_points(frame.ijk_to_ras, found[::-1]), lps * [-1, -1, 1], atol=1e-4)


def test_interleaved_slice_numbers_are_sorted_along_the_slice_direction(tmp_path):
    pictures, place = images(1), an_oblique_image()
    plain = open_series(write_mrd(tmp_path / "a.h5", all_lines(1), pictures, place=place)).frame(0)
    path = write_mrd(tmp_path / "b.h5", all_lines(1), pictures, place=place, slice_numbers=[1, 2, 0])
    interleaved = open_series(path).frame(0)

    np.testing.assert_allclose(interleaved.ijk_to_ras, plain.ijk_to_ras, atol=1e-5)
    np.testing.assert_allclose(interleaved.data, plain.data, atol=1e-6)


def test_lines_in_any_order_land_in_their_frames(tmp_path):
    pictures = images(2)
    lines = all_lines(2)
    np.random.default_rng(3).shuffle(lines)
    series = open_series(write_mrd(tmp_path / "a.h5", lines, pictures))
    np.testing.assert_allclose(pictures_of(series.frame(1)), pictures[1], atol=1e-5)


def test_unsampled_lines_are_zero_and_masked(tmp_path):
    pictures = images(2)
    lines = [line for line in all_lines(2) if (line.row + line.slice + line.frame) % 3 == 0]
    frame = open_series(write_mrd(tmp_path / "a.h5", lines, pictures)).frame(1)

    expected = (np.arange(ROWS) + np.arange(SLICES)[:, np.newaxis] + 1) % 3 == 0
    np.testing.assert_array_equal(frame.mask, expected)
    np.testing.assert_allclose(frame.data, image_to_kspace(pictures[1]) * expected[..., np.newaxis], atol=1e-5)
    assert frame.acceleration == pytest.approx(3.0)


def test_a_partial_fourier_matrix_is_centred_by_its_encoding_limits(tmp_path):
    pictures = images(1)
    xml = header_xml(ky_maximum=ROWS - 4, ky_center=ROWS // 2 - 3)
    path = write_mrd(tmp_path / "a.h5", all_lines(1, rows=range(3, ROWS)), pictures, xml=xml, first_step=3)
    frame = open_series(path).frame(0)

    np.testing.assert_array_equal(np.flatnonzero(frame.mask[0]), np.arange(3, ROWS))
    np.testing.assert_allclose(frame.data[:, :, 3:], image_to_kspace(pictures[0])[:, :, 3:], atol=1e-5)


def test_a_partial_echo_keeps_its_center_sample_at_the_center(tmp_path):
    picture = np.zeros((1, 2, SLICES, ROWS, COLUMNS), dtype=np.complex64)
    picture[..., 4, 3] = 1.0
    frame = open_series(write_mrd(tmp_path / "a.h5", all_lines(1), picture, samples=slice(5, None))).frame(0)
    found = np.unravel_index(np.abs(pictures_of(frame)[0, 0]).argmax(), (ROWS, COLUMNS))
    assert found == (4, 3)


def test_noise_and_navigator_lines_stay_out_of_the_frames(tmp_path):
    pictures = images(1)
    extra = [
        Line(0, 0, 2, (ismrmrd.ACQ_IS_NOISE_MEASUREMENT,)),
        Line(0, 1, 5, (ismrmrd.ACQ_IS_NAVIGATION_DATA,)),
        Line(0, 2, 5, (ismrmrd.ACQ_IS_PHASECORR_DATA, ismrmrd.ACQ_IS_REVERSE)),
    ]
    lines = [line for line in all_lines(1) if line.row % 2 == 0]
    frame = open_series(write_mrd(tmp_path / "a.h5", extra + lines, pictures)).frame(0)
    np.testing.assert_array_equal(frame.mask, np.tile(np.arange(ROWS) % 2 == 0, (SLICES, 1)))


@pytest.mark.parametrize(("mode", "is_used"), [("embedded", True), ("interleaved", True), ("separate", False)])
def test_calibration_lines_count_only_if_they_belong_to_the_scan(tmp_path, mode, is_used):
    parallel = (
        "<parallelImaging><accelerationFactor><kspace_encoding_step_1>2</kspace_encoding_step_1>"
        "<kspace_encoding_step_2>1</kspace_encoding_step_2></accelerationFactor>"
        f"<calibrationMode>{mode}</calibrationMode></parallelImaging>"
    )
    pictures = images(1)
    lines = [line for line in all_lines(1) if line.row % 2 == 0]
    calibration = [Line(0, k, row, (ismrmrd.ACQ_IS_PARALLEL_CALIBRATION,)) for k in range(SLICES) for row in (6, 7)]
    path = write_mrd(tmp_path / "a.h5", lines + calibration, pictures, xml=header_xml(parallel=parallel))
    frame = open_series(path).frame(0)

    assert frame.mask[:, 7].all() == is_used
    np.testing.assert_allclose(frame.data[:, :, 6], image_to_kspace(pictures[0])[:, :, 6], atol=1e-5)


def test_averages_of_a_line_are_averaged(tmp_path):
    pictures = images(2)
    second = [Line(1, line.slice, line.row, counters={"repetition": 0, "average": 1}) for line in all_lines(1)]
    frame = open_series(write_mrd(tmp_path / "a.h5", all_lines(1) + second, pictures)).frame(0)
    np.testing.assert_allclose(pictures_of(frame), pictures.mean(axis=0), atol=1e-5)


def test_ticks_become_seconds_since_the_start(tmp_path):
    series = open_series(write_mrd(tmp_path / "a.h5", all_lines(3), images(3), ticks_per_frame=40))
    assert series.frame_interval_s == pytest.approx(0.1)
    frame = series.frame(2)
    assert frame.acquisition_start_time == pytest.approx(0.2)
    assert frame.acquisition_end_time == pytest.approx(0.2 + 9 * 0.0025)


def test_without_time_stamps_the_interval_is_unknown_and_times_are_nominal(tmp_path):
    series = open_series(write_mrd(tmp_path / "a.h5", all_lines(3), images(3), ticks_per_frame=0))
    assert series.frame_interval_s is None
    assert [frame.acquisition_start_time for frame in series] == pytest.approx([0.0, 0.1, 0.2])


def test_zero_directions_give_sizes_but_no_place(tmp_path):
    frame = open_series(write_mrd(tmp_path / "a.h5", all_lines(1), images(1))).frame(0)
    assert not frame.has_geometry
    np.testing.assert_allclose(spacing_of(frame.ijk_to_ras), [1.5, 1.25, 3.0])


def test_a_slice_without_a_line_in_one_frame_stays_in_place(tmp_path):
    place = an_oblique_image()
    lines = [line for line in all_lines(2) if not (line.frame == 1 and line.slice == 2)]
    first, second = open_series(write_mrd(tmp_path / "a.h5", lines, images(2), place=place))
    np.testing.assert_allclose(second.ijk_to_ras, first.ijk_to_ras)
    assert not second.mask[2].any()


def test_the_planning_group_is_the_planning_scan(tmp_path):
    pictures, place = images(2), an_oblique_image()
    path = write_mrd(tmp_path / "a.h5", [line for line in all_lines(2) if line.row % 4 == 0], pictures, place=place)
    write_mrd(path, all_lines(1), pictures[1:], place=place, group="planning")
    series = open_series(path)

    assert (len(series), series.planning.is_fully_sampled) == (2, True)
    np.testing.assert_allclose(pictures_of(series.planning), pictures[1], atol=1e-5)
    np.testing.assert_allclose(series.planning.ijk_to_ras, series.frame(0).ijk_to_ras)


def test_the_planning_scan_has_the_coils_and_the_scale_of_a_whitened_series(tmp_path):
    """Noise scans come with the series only; a planning scan of the same picture must be the same numbers."""
    pictures = images(1)
    noise = [Line(0, 0, row, (ismrmrd.ACQ_IS_NOISE_MEASUREMENT,)) for row in range(ROWS)]
    path = write_mrd(tmp_path / "a.h5", noise + all_lines(1), pictures)
    write_mrd(path, all_lines(1), pictures, group="planning")
    series = open_series(path)
    np.testing.assert_allclose(series.planning.data, series.frame(0).data, atol=1e-5)
    assert not np.allclose(pictures_of(series.planning), pictures[0], atol=0.1), "it was whitened"


def test_an_undersampled_or_displaced_planning_group_is_refused(tmp_path):
    pictures, place = images(1), an_oblique_image()
    path = write_mrd(tmp_path / "a.h5", all_lines(1), pictures, place=place)
    write_mrd(path, all_lines(1, rows=range(6)), pictures, place=place, group="planning")
    with pytest.raises(InputError, match="fully sampled"):
        open_series(path)

    moved = an_oblique_image()
    moved.SetOrigin((0.0, 0.0, 0.0))
    path = write_mrd(tmp_path / "b.h5", all_lines(1), pictures, place=place)
    write_mrd(path, all_lines(1), pictures, place=moved, group="planning")
    with pytest.raises(InputError, match="geometry differs"):
        open_series(path)


BAD_HEADERS = [
    ({"trajectory": "spiral"}, "spiral"),
    ({"nz": 8}, "3D-encoded"),
    (
        {
            "step_2_limits": "<kspace_encoding_step_2><minimum>0</minimum><maximum>7</maximum><center>4</center>"
            "</kspace_encoding_step_2>"
        },
        "3D-encoded",
    ),
    ({"nx_encoded": 0}, "matrix"),
    ({"ny": "many"}, "matrix"),
    ({"fov_x": "nan"}, "field of view"),
    ({"nx_encoded": 60000}, "too large"),
    ({"slice_maximum": 65535}, "too large"),
]


@pytest.mark.parametrize(("changes", "reason"), BAD_HEADERS, ids=[str(changes)[:30] for changes, _ in BAD_HEADERS])
def test_a_header_we_cannot_reconstruct_is_refused_with_its_file(tmp_path, changes, reason):
    path = write_mrd(tmp_path / "case.h5", all_lines(1), images(1), xml=header_xml(**changes))
    with pytest.raises(InputError, match=reason) as caught:
        open_series(path).frame(0)
    assert "case.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_LINES = [
    ([Line(0, 0, 0, counters={"kspace_encode_step_1": 500})], {}, "outside"),
    ([Line(0, 0, 0, counters={"kspace_encode_step_2": 1})], {}, "partitions"),
    ([Line(0, 0, 0, counters={"contrast": 1})], {}, "contrasts"),
    ([Line(0, 0, 0), Line(0, 0, 0)], {}, "twice"),
    ([Line(0, 0, 0, (ismrmrd.ACQ_IS_REVERSE,))], {}, "reversed"),
    ([Line(0, 0, 0, (ismrmrd.ACQ_IS_NOISE_MEASUREMENT,))], {}, "no imaging line"),
    ([Line(0, 0, 0)], {"discard_pre": 30}, "does not fit"),
    ([Line(0, 0, 0)], {"xml": header_xml(nx_encoded=8)}, "does not fit"),
]


@pytest.mark.parametrize(("lines", "options", "reason"), BAD_LINES, ids=[reason for *_, reason in BAD_LINES])
def test_lines_that_make_no_sense_are_refused_with_their_file(tmp_path, lines, options, reason):
    path = write_mrd(tmp_path / "case.h5", lines, images(1), **options)
    with pytest.raises(InputError, match=reason) as caught:
        open_series(path).frame(0)
    assert "case.h5" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nan_samples_are_refused(tmp_path):
    pictures = images(1)
    pictures[0, 0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        open_series(write_mrd(tmp_path / "case.h5", all_lines(1), pictures)).frame(0)


def test_a_simulated_series_comes_back_exactly_as_it_was_written(tmp_path):
    generator = np.random.default_rng(0)
    geometry = lps_to_ras(np.diag([1.0, 1.2, -3.0, 1.0]))
    written = []
    for index in range(3):
        mask = generator.random((SLICES, ROWS)) < (1.1 if index == 0 else 0.4)
        data = image_to_kspace(images(1, index)[0]) * mask[..., np.newaxis]
        times = (1_700_000_000.0 + 0.073 * index, 1_700_000_000.0 + 0.073 * (index + 1))
        written.append(KSpaceFrame(data, mask, geometry, index, *times))
    write_ismrmrd(tmp_path / "case.h5", written[1:], planning=written[0])
    series = open_series(tmp_path / "case.h5")

    for read, frame in zip([series.planning, *series], written, strict=True):
        np.testing.assert_allclose(read.data, frame.data, atol=1e-6)
        np.testing.assert_array_equal(read.mask, frame.mask)
        np.testing.assert_allclose(read.ijk_to_ras, geometry, atol=1e-4)
        assert read.acquisition_start_time == pytest.approx(frame.acquisition_start_time, abs=1e-5)
        assert read.acquisition_end_time == pytest.approx(frame.acquisition_end_time, abs=1e-4)
    assert series.frame_interval_s == pytest.approx(0.073, abs=1e-5)


@pytest.mark.parametrize("name", ["xml", "data"])
def test_a_file_without_header_or_lines_says_which(tmp_path, name):
    path = write_mrd(tmp_path / "a.h5", all_lines(1), images(1))
    with h5py.File(path, "a") as file:
        del file["dataset"][name]
    with pytest.raises(InputError, match=f"ISMRMRD file without '{name}' in group 'dataset'"):
        open_series(path)
