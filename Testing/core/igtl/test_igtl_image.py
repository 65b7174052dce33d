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
