"""IMAGE: pixels, byte order and geometry."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.errors import MessageError
from TemporalReconLib.igtl.image_message import ImageMessage, decode_image

SCALAR_TYPES = {"i1": 2, "u1": 3, "i2": 4, "u2": 5, "i4": 6, "u4": 7, "f4": 10, "f8": 11}
GEOMETRY = np.array([[0, -2, 0, 10.0], [1.5, 0, 0, -20.0], [0, 0, 4, 30.0], [0, 0, 0, 1]])


def content(message: ImageMessage) -> bytearray:
    return bytearray(b"".join(message.encode_content()))


def by_hand(pixels: np.ndarray, endian: int, label: int = 1, axes: np.ndarray = GEOMETRY) -> memoryview:
    """An IMAGE content built from the specification alone; ``pixels`` (k, j, i) are written as they are."""
    slices, rows, columns = pixels.shape
    center = axes @ [(columns - 1) / 2, (rows - 1) / 2, (slices - 1) / 2, 1]
    matrix = [*axes[:3, 0], *axes[:3, 1], *axes[:3, 2], *center[:3]]
    size = (columns, rows, slices)
    header = struct.pack(">HBBBB3H", 1, 1, SCALAR_TYPES[pixels.dtype.str[1:]], endian, label, *size)
    return memoryview(header + struct.pack(">12f", *matrix) + struct.pack(">6H", 0, 0, 0, *size) + pixels.tobytes())


def smooth_image(dtype: str) -> np.ndarray:
    k, j, i = np.meshgrid(np.arange(3), np.arange(20), np.arange(30), indexing="ij")
    values = 60 * np.exp(-((i - 15) ** 2 + (j - 9) ** 2) / 60.0) + k
    return (values if dtype == "i1" or dtype == "u1" else 20 * values).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(sorted(SCALAR_TYPES)),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6)),
    components=st.one_of(st.none(), st.integers(1, 254)),
    seed=st.integers(0, 2**16),
)
def test_every_scalar_type_and_number_of_components_survives(dtype, shape, components, seed):
    full = shape if components is None else (*shape, components)
    pixels = np.random.default_rng(seed).integers(0, 100, full).astype(dtype)
    image = decode_image(memoryview(content(ImageMessage(pixels, GEOMETRY))))
    expected = pixels[..., 0] if components == 1 else pixels
    np.testing.assert_array_equal(image.data, expected)
    assert image.data.dtype == pixels.dtype
    np.testing.assert_allclose(image.ijk_to_ras, GEOMETRY, atol=1e-5)


def test_the_wire_holds_axes_times_spacing_and_the_center_of_the_image():
    raw = content(ImageMessage(np.zeros((3, 5, 7), np.float32), GEOMETRY))
    numbers = struct.unpack_from(">12f", raw, 12)
    assert numbers[:9] == (0, 1.5, 0, -2, 0, 0, 0, 0, 4)
    # Middle of a 7x5x3 image: 3 columns along A, 2 rows along L, 1 slice along S.
    assert numbers[9:] == (10 - 2 * 2, -20 + 3 * 1.5, 30 + 4)


@pytest.mark.parametrize("dtype", sorted(SCALAR_TYPES))
@pytest.mark.parametrize(("endian", "order"), [(1, ">"), (2, "<")])
def test_rightly_labelled_byte_orders_are_believed(dtype, endian, order):
    image = smooth_image(dtype)
    decoded = decode_image(by_hand(image.astype(image.dtype.newbyteorder(order)), endian))
    np.testing.assert_array_equal(decoded.data, image)
    assert not decoded.byte_order_corrected
    assert decoded.data.dtype.isnative


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "u4", "f4", "f8"])
def test_little_endian_pixels_under_the_default_big_endian_label_are_recognised(dtype):
    decoded = decode_image(by_hand(smooth_image(dtype), endian=1))
    np.testing.assert_array_equal(decoded.data, smooth_image(dtype))
    assert decoded.byte_order_corrected


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), dtype=st.sampled_from(["i2", "u2", "i4", "f4", "f8"]), scale=st.integers(2, 4000))
def test_big_endian_noise_is_never_taken_for_mislabelled(seed, dtype, scale):
    noise = (np.random.default_rng(seed).random((2, 16, 16)) * scale).astype(dtype)
    decoded = decode_image(by_hand(noise.astype(noise.dtype.newbyteorder(">")), endian=1))
    np.testing.assert_array_equal(decoded.data, noise)


INTEGERS = ["i2", "u2", "i4", "u4"]
SMALL_MAXIMA = [20, 100, 200, 236, 255, 256, 300, 400, 500, 700, 1000, 2000, 4000]


def anatomy(maximum: int) -> np.ndarray:
    """Noisy bright ellipse on a dark ground, whole numbers from 0 to ``maximum``."""
    j, i = np.meshgrid(np.linspace(-1, 1, 96), np.linspace(-1, 1, 80), indexing="ij")
    body = np.clip(1.2 - (j / 0.8) ** 2 - (i / 0.7) ** 2, 0, 1) * (0.7 + 0.3 * np.sin(9 * j) * np.cos(7 * i))
    values = np.abs(body + np.random.default_rng(3).normal(0, 0.03, body.shape))
    return np.round(maximum * values / values.max())[np.newaxis]


def noise(maximum: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, maximum + 1, (1, 64, 64))


def sparse(maximum: int) -> np.ndarray:
    """A few bright pixels on zero."""
    values = np.zeros((1, 64, 64))
    values[0, 20:24, 30:33] = np.arange(12).reshape(4, 3) * maximum // 11
    return values


def swapped_or_not(pixels: np.ndarray, order: str) -> np.ndarray:
    return decode_image(by_hand(pixels.astype(pixels.dtype.newbyteorder(order)), endian=1)).data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("maximum", SMALL_MAXIMA)
def test_integers_labelled_big_endian_arrive_right_whatever_order_they_are_in(maximum, dtype, order):
    np.testing.assert_array_equal(swapped_or_not(anatomy(maximum).astype(dtype), order), anatomy(maximum))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("maximum", [1, 20, 100, 255, 300, 1000])
def test_a_few_bright_pixels_arrive_right_whatever_order_they_are_in(maximum, dtype, order):
    np.testing.assert_array_equal(swapped_or_not(sparse(maximum).astype(dtype), order), sparse(maximum))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("maximum", [20, 100, 255, 300])
def test_noise_of_small_integers_arrives_right_whatever_order_it_is_in(maximum, dtype, order):
    np.testing.assert_array_equal(swapped_or_not(noise(maximum).astype(dtype), order), noise(maximum))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["i2", "i4"])
@pytest.mark.parametrize("maximum", [20, 100, 255, 300])
def test_small_numbers_of_both_signs_arrive_right_whatever_order_they_are_in(maximum, dtype, order):
    image = anatomy(maximum) - maximum // 2
    np.testing.assert_array_equal(swapped_or_not(image.astype(dtype), order), image)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("value", [0, 1, 20, 100, 255])
def test_constant_images_arrive_right_whatever_order_they_are_in(value, dtype, order):
    image = np.full((1, 16, 16), value, dtype)
    np.testing.assert_array_equal(swapped_or_not(image, order), image)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("levels", [(0, 1000), (0, 300, 700), (0, 32767), (-32768, 32767), (0, 5, 32767), (1000,)])
def test_few_large_big_endian_values_are_believed(levels, dtype):
    if min(levels) < 0 and dtype[0] == "u":
        levels = tuple(level + 32768 for level in levels)
    image = np.random.default_rng(5).choice(np.array(levels), (1, 40, 40)).astype(dtype)
    np.testing.assert_array_equal(swapped_or_not(image, ">"), image)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("bits", [12, 15, 16, 24, 30])
def test_large_big_endian_values_are_believed(dtype, bits):
    limit = min(2**bits, np.iinfo(dtype).max)
    image = (anatomy(limit) if dtype[1] == "4" else np.minimum(anatomy(limit), limit)).astype(dtype)
    np.testing.assert_array_equal(swapped_or_not(image, ">"), image)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_labels_of_a_segmentation_arrive_right_whatever_order_they_are_in(dtype, order):
    labels = (anatomy(10) > 5).astype(dtype) + (anatomy(10) > 8).astype(dtype)
    np.testing.assert_array_equal(swapped_or_not(labels, order), labels)


def test_an_lps_label_is_converted_and_can_be_overruled():
    lps = by_hand(np.ones((3, 5, 7), np.float32), 2, label=2)
    converted = np.diag([-1, -1, 1, 1]) @ GEOMETRY
    np.testing.assert_allclose(decode_image(lps).ijk_to_ras, converted, atol=1e-5)
    np.testing.assert_allclose(decode_image(lps, "ras").ijk_to_ras, GEOMETRY, atol=1e-5)
    ras = by_hand(np.ones((3, 5, 7), np.float32), 2, label=1)
    np.testing.assert_allclose(decode_image(ras).ijk_to_ras, GEOMETRY, atol=1e-5)
    np.testing.assert_allclose(decode_image(ras, "lps").ijk_to_ras, converted, atol=1e-5)


@pytest.mark.parametrize(
    ("offset", "layout", "value", "reason"),
    [
        (0, ">H", 2, "content"),  # image format version
        (2, ">B", 0, "size"),  # components
        (2, ">B", 255, "size"),
        (3, ">B", 9, "content"),  # scalar type
        (4, ">B", 3, "content"),  # endianness
        (5, ">B", 0, "content"),  # coordinate label
        (6, ">H", 0, "size"),  # dimensions
        (6, ">H", 8, "content"),
        (66, ">H", 6, "content"),  # sub-volume of fewer columns
        (60, ">H", 1, "content"),  # sub-volume that starts elsewhere
        (12, ">3f", (np.nan, 0, 0), "matrix"),
        (12, ">3f", (0, 0, 0), "matrix"),
        (48, ">f", np.inf, "matrix"),
        (24, ">3f", (0, 3.0, 0), "matrix"),  # j parallel to i
    ],
)
def test_impossible_images_are_refused(offset, layout, value, reason):
    raw = content(ImageMessage(np.zeros((3, 5, 7), np.float32), GEOMETRY))
    values = value if isinstance(value, tuple) else (value,)
    struct.pack_into(layout, raw, offset, *values)
    with pytest.raises(MessageError) as caught:
        decode_image(memoryview(raw))
    assert caught.value.reason == reason


def test_dimensions_that_promise_more_pixels_than_came_are_refused():
    raw = content(ImageMessage(np.zeros((3, 5, 7), np.float32), GEOMETRY))
    for short in (raw[:-1], raw + b"\0", raw[:72], raw[:71], raw[:0]):
        with pytest.raises(MessageError) as caught:
            decode_image(memoryview(short))
        assert caught.value.reason == "size"


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.zeros((2, 2, 2), np.complex64), "complex64 cannot be sent"),
        (np.zeros((2, 2, 2), np.int64), "int64 cannot be sent"),
        (np.zeros((2, 2), np.float32), "slice, row, col"),
        (np.zeros((2, 0, 2), np.float32), "slice, row, col"),
        (np.zeros((1, 1, 65_536), np.uint8), "1..65535"),
        (np.zeros((1, 1, 1, 255), np.uint8), "255 components"),
    ],
)
def test_pixels_that_openigtlink_cannot_carry_are_refused(pixels, expected):
    with pytest.raises(InputError, match=expected):
        ImageMessage(pixels, np.eye(4))
