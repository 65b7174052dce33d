"""Incoming OpenIGTLink messages -> work for the engine."""

from __future__ import annotations

import json
import math
import threading
from typing import Any

from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.fanout import Fanout
from TemporalReconLib.engine.processor import NO_TARGETS
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.device_names import IMAGE_DEVICE, KSPACE_DEVICE, TARGET_DEVICE
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frame_reader import FrameReader
from TemporalReconLib.igtl.image_message import ImageMessage
from TemporalReconLib.igtl.messages import (
    STATUS_NOT_FOUND,
    CapabilityMessage,
    PointMessage,
    QueryMessage,
    StatusMessage,
    StringMessage,
    TransformMessage,
)

COMMAND_PREFIX = "CMD_"
ANSWER_PREFIX = "ACK_"
ACTIONS = ("start", "stop", "reset", "method", "target", "record")
# Queries name a type in 8 characters.
_TYPE_BY_QUERY = {
    "IMAGE": "IMAGE",
    "TRANS": "TRANSFORM",
    "TRANSFOR": "TRANSFORM",
    "STATUS": "STATUS",
    "CAPABIL": "CAPABILITY",
}
_SENT_UNASKED = ("IMAGE", "TRANSFORM", "STATUS")
_DONE, _REFUSED = b"\0", b"\1"
UNDERSTOOD_TYPES = (
    *("IMAGE", "TRANSFORM", "POINT", "STRING", "CAPABILITY"),
    *("GET_IMAGE", "GET_TRANS", "GET_STATUS", "GET_CAPABIL"),
    *("STT_IMAGE", "STT_TRANS", "STT_STATUS", "STP_IMAGE", "STP_TRANS", "STP_STATUS"),
)


class Router:
    """Tells frames, targets and commands apart; answers commands to the client that gave them.

    Parameters
    ----------
    image_device
        Device name of images that need no reconstruction.
    """

    def __init__(self, engine: Engine, outlet: Fanout, image_device: str = IMAGE_DEVICE) -> None:
        self._engine = engine
        self._outlet = outlet
        self._name = engine.status_device
        self._lock = threading.Lock()
        self._readers = {KSPACE_DEVICE: FrameReader(), image_device: FrameReader()}

    def receive(self, envelope: Envelope) -> None:
        """Handle one good message; raises InputError for one that means nothing here, which drops and counts it.

        Messages of the server's clients and of the forwarding link take turns.
        """
        with self._lock:
            self._receive(envelope)

    def _receive(self, envelope: Envelope) -> None:
        message, name = envelope.message, envelope.device_name
        if isinstance(message, ImageMessage):
            self._receive_frame(envelope)
        elif isinstance(message, PointMessage) and name == TARGET_DEVICE:
            if not message.points:
                raise InputError("POINT TARGET: holds no point, expected the target as first point")
            self._aim(message.points[0].position)
        elif isinstance(message, TransformMessage) and name.startswith(TARGET_DEVICE):
            right, anterior, superior = (float(value) for value in message.matrix[:3, 3])
            self._aim((right, anterior, superior))
        elif isinstance(message, StringMessage) and name.startswith(COMMAND_PREFIX):
            self._answer(envelope, self._command(name.removeprefix(COMMAND_PREFIX), message.text))
        elif isinstance(message, QueryMessage):
            self._query(message, name, envelope.peer)

    def dropped(self, type_name: str, error: InputError) -> None:
        """Told of every message that was dropped: one that should have been a frame is a frame lost."""
        if type_name == "IMAGE":
            self._engine.reject(str(error))

    def _aim(self, target: tuple[float, float, float] | None) -> None:
        if not self._engine.takes_target:
            raise InputError(NO_TARGETS)
        self._engine.submit("target", target)

    def _receive_frame(self, envelope: Envelope) -> None:
        reader = self._readers.get(envelope.device_name)
        if reader is None:
            raise InputError(
                f"IMAGE '{envelope.device_name}': expected the device name {' or '.join(self._readers)}; "
                "rename the stream or set --image-device"
            )
        incoming = reader.read(envelope)
        kind = "planning" if incoming.is_planning else "frame"
        self._engine.submit(kind, incoming.frame, envelope.arrival_time, incoming.time_is_known, envelope.peer)

    def _command(self, name: str, text: str) -> dict[str, Any]:
        """Carry out a command; the answer says ``ok`` and, if not, why."""
        try:
            action, arguments = parse_command(name, text)
            self._carry_out(action, arguments)
        except InputError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, "command": action}

    def _carry_out(self, action: str, arguments: dict[str, Any]) -> None:
        if action in ("start", "stop"):
            self._engine.pause(action == "stop")
        elif action == "reset":
            for reader in self._readers.values():
                reader.reset()
            self._engine.submit("reset")
        elif action == "method":
            self._engine.select_method(str(arguments.get("method", "")))
        elif action == "record":
            self._engine.switch_recording(_is_on(arguments))
        else:
            self._aim(_target_of(arguments))

    def _answer(self, question: Envelope, answer: dict[str, Any]) -> None:
        name = ANSWER_PREFIX + question.device_name.removeprefix(COMMAND_PREFIX)
        self._outlet.answer(Envelope(StringMessage(json.dumps(answer)), name), question.peer)

    def _query(self, query: QueryMessage, device_name: str, peer: str) -> None:
        """Answer GET_ with the newest, STT_ and STP_ by sending a type unasked or no longer."""
        kind = _TYPE_BY_QUERY.get(query.query[4:])
        if query.query.startswith("GET_"):
            for envelope in self._asked_for(kind, device_name.strip()):
                self._outlet.answer(envelope, peer)
        elif query.query.startswith(("STT_", "STP_")):
            is_served = kind in _SENT_UNASKED
            if is_served and kind is not None:
                self._outlet.mute(kind, query.query.startswith("STP_"), peer)
            answer = QueryMessage(f"RTS_{query.query[4:]}", _DONE if is_served else _REFUSED)
            self._outlet.answer(Envelope(answer, device_name.strip() or self._name), peer)

    def _asked_for(self, kind: str | None, device_name: str) -> list[Envelope]:
        if kind == "CAPABILITY":
            return [Envelope(CapabilityMessage(UNDERSTOOD_TYPES), self._name)]
        if kind == "STATUS":
            return [self._engine.status_envelope()]
        found = [] if kind is None else self._outlet.newest(kind, device_name)
        text = f"nothing of type {kind or 'asked for'} and name '{device_name}' was made yet, or is made here"
        return found or [Envelope(StatusMessage(STATUS_NOT_FOUND, text, "not found"), device_name or self._name)]


def parse_command(name: str, text: str) -> tuple[str, dict[str, Any]]:
    """Action and arguments of ``CMD_<name>``.

    The text is JSON: ``{"command": "reset"}``, ``{"method": "sliding-window"}``, ``{"target": [R, A, S]}``,
    ``{"record": true}``, ``"start"``, or nothing or the bare value where the name itself is the action (``CMD_STOP``,
    ``CMD_METHOD`` with ``"zero-filled"``, ``CMD_TARGET`` with ``[R, A, S]``, ``CMD_RECORD`` with ``false``).

    Raises
    ------
    InputError
        If it is not JSON or names no known action.
    """
    try:
        content = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        content = text.strip()
    if name.lower() in ACTIONS and not isinstance(content, dict):
        return name.lower(), {name.lower(): content}
    arguments = {"command": content} if isinstance(content, str) else content
    if not isinstance(arguments, dict):
        raise InputError(f"command {(COMMAND_PREFIX + name)[:40]!r}: expected a JSON object, got {text[:40]!r}")
    named = [action for action in ACTIONS if action in arguments]
    action = str(arguments.get("command", named[0] if named else name)).lower()
    if action not in ACTIONS:
        raise InputError(f"unknown command {action[:40]!r}, expected one of: {', '.join(ACTIONS)}")
    return action, arguments


def _is_on(arguments: dict[str, Any]) -> bool:
    """``{"record": true}`` or false; where to is never the sender's choice."""
    value = arguments.get("record")
    if not isinstance(value, bool):
        raise InputError(f"record: expected true or false, got {str(value)[:40]!r}")
    return value


def _target_of(arguments: dict[str, Any]) -> tuple[float, float, float] | None:
    """``{"target": [R, A, S]}`` in mm; null aims at nothing."""
    value = arguments.get("target")
    if value is None:
        return None
    try:
        right, anterior, superior = (float(number) for number in value)
    except (TypeError, ValueError):
        raise InputError(f'target: expected {{"target": [R, A, S]}} in mm, got {str(value)[:60]}') from None
    if not all(math.isfinite(number) for number in (right, anterior, superior)):
        raise InputError(f"target: expected three finite numbers in mm, got {str(value)[:60]}")
    return right, anterior, superior
