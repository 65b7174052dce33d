"""Plays an ISMRMRD file to an MRD server as a scanner would."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import ismrmrd
from ismrmrd.hdf5 import acquisition_header_dtype

from TemporalReconLib.acquisition.ismrmrd_reader import HDF5_ERRORS, hdf5_reason
from TemporalReconLib.acquisition.mrd_conventions import PLANNING_GROUP, SERIES_GROUP
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.errors import LinkLostError
from TemporalReconLib.mrd import connection as wire
from TemporalReconLib.mrd.connection import MrdConnection
from TemporalReconLib.mrd.image_message import decode_image

_BLOCK_LINES = 256


@dataclass
class MrdReply:
    """What came back.

    Attributes
    ----------
    images
        In order of arrival, one per slice.
    texts
        Messages for the scanner's log.
    is_closed_properly
        True if the server ended with its closing message.
    """

    images: list[ismrmrd.Image] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    is_closed_properly: bool = False


def send_mrd(
    path: Path | str,
    host: str = "127.0.0.1",
    port: int = 9002,
    *,
    frame_interval_s: float = 0.0,
    with_planning: bool = True,
    timeout_s: float = 60.0,
) -> MrdReply:
    """Send all lines of a file and collect what comes back.

    Parameters
    ----------
    frame_interval_s
        Pause before each new repetition; 0 sends as fast as the server takes it.
    with_planning
        Send the planning scan of the file, if it has one, as repetition 0 before the series.
    timeout_s
        How long to wait for the closing message after the last line.

    Raises
    ------
    InputError
        If the file is not ISMRMRD.
    LinkLostError
        If the server cannot be reached or leaves.
    """
    try:
        sock = socket.create_connection((host, port), timeout=timeout_s)
    except OSError as error:
        raise LinkLostError(f"no MRD server at {host}:{port} ({error.strerror or error}); start it first") from error
    connection = MrdConnection(sock)
    reply = MrdReply()
    reader = threading.Thread(target=_collect, args=(connection, reply), name="mrd-client", daemon=True)
    reader.start()
    try:
        repetition = None
        for message, next_repetition in _messages(Path(path), with_planning):
            if frame_interval_s and next_repetition != repetition and repetition is not None:
                time.sleep(frame_interval_s)
            repetition = next_repetition
            connection.send(message)
        reader.join(timeout_s)
    except HDF5_ERRORS as error:
        if isinstance(error, ConnectionError | TimeoutError):
            raise LinkLostError(f"the MRD server at {host}:{port} left ({error})") from error
        raise InputError(f"{path}: cannot be read as ISMRMRD ({hdf5_reason(error)})") from error
    finally:
        connection.close()
        reader.join(timeout_s)
    return reply


def _messages(path: Path, with_planning: bool) -> Iterator[tuple[bytes, int]]:
    """Encoded messages and the repetition each belongs to."""
    with h5py.File(path, "r") as file:
        has_planning = with_planning and PLANNING_GROUP in file
        yield wire.encode_config_file("temporal-recon"), 0
        yield wire.encode_text(wire.HEADER, bytes(file[SERIES_GROUP]["xml"][0])), 0
        if has_planning:
            yield from _lines(file[PLANNING_GROUP]["data"], 0)
        yield from _lines(file[SERIES_GROUP]["data"], int(has_planning))
        yield wire.encode_close(), 0


def _lines(data: h5py.Dataset, first_repetition: int) -> Iterator[tuple[bytes, int]]:
    """Acquisitions as they are in the file, read in blocks (one by one takes 5 ms each)."""
    for start in range(0, data.shape[0], _BLOCK_LINES):
        block = data[start : start + _BLOCK_LINES]
        # The file may store fields in another layout than the wire.
        heads = block["head"].astype(acquisition_header_dtype)
        heads["idx"]["repetition"] += first_repetition
        for head, record in zip(heads, block, strict=True):
            content = head.tobytes() + record["traj"].tobytes() + record["data"].tobytes()
            yield wire.encode_acquisition(content), int(head["idx"]["repetition"])


def _collect(connection: MrdConnection, reply: MrdReply) -> None:
    try:
        while (message := connection.read()) is not None:
            if message.id == wire.CLOSE:
                reply.is_closed_properly = True
                return
            if message.id == wire.IMAGE:
                reply.images.append(decode_image(message.content))
            elif message.id == wire.TEXT:
                reply.texts.append(message.text.decode("utf-8", "replace"))
    except (OSError, InputError) as error:
        reply.texts.append(f"connection lost: {error}")
