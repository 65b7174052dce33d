"""Every bad input meets the reaction that the table states, and everybody is served on.

``python Testing/core/igtl/test_bad_input_table.py`` writes the table anew from what is observed.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from bad_inputs import BAD_INPUTS, GOOD, SECTIONS, BadInput
from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.fanout import Fanout
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.router import Router
from TemporalReconLib.igtl.connection import Limits
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.server import IgtlServer

TABLE = Path(__file__).with_name("bad_inputs.md")
INTRODUCTION = """# Bad input over OpenIGTLink, and what happens

Written and checked by `test_bad_input_table.py`: each row is sent to a running engine over a real socket.
`closed` ends this sender's connection, `dropped` costs the message, `rejected` counts a frame as lost,
`used` takes it; the other words are the engine's counters. After every row a good message is accepted.
"""
PATIENCE_S = 30.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("no reaction")
        time.sleep(0.002)


class Bench:
    """A running engine whose every reaction is noted."""

    def __init__(self, stack: ExitStack) -> None:
        self.answers: list[Envelope] = []
        self.n_good = self.n_used = 0
        self.engine = Engine(ReconstructionProcessor("zero-filled", "cpu"), lambda envelope: None)
        self.server = IgtlServer(
            port=0,
            on_message=self._route,
            on_drop=lambda type_name, error: self.router.dropped(type_name, error),
            # Silence is told from a slow machine after a second.
            limits=Limits(header_s=1.0, body_idle_s=1.0),
        )
        outlet = Fanout(self.server)
        outlet.answer = lambda envelope, peer: self.answers.append(envelope)  # type: ignore[method-assign]
        self.router = Router(self.engine, outlet)
        self.engine.start()
        stack.callback(self.engine.stop)
        stack.enter_context(self.server)

    def reaction_to(self, bad: BadInput) -> str:
        """Send it and say what it led to."""
        self._fresh()
        dropped, closed = self.server.counters.dropped, self.server.counters.closed
        before, n_used, n_answers = self._figures(), self.n_used, len(self.answers)
        with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
            sock.sendall(b"".join(bad.pieces))
            is_closed = bad.reaction.startswith("closed") or bad.leaves
            if bad.leaves:
                sock.shutdown(socket.SHUT_WR)
            if is_closed:
                sock.settimeout(PATIENCE_S)
                with contextlib.suppress(ConnectionResetError):
                    assert sock.recv(1) == b""
            else:
                self._accepts_a_good_message(sock)
        if is_closed:
            with socket.create_connection(("127.0.0.1", self.server.port)) as sock:
                self._accepts_a_good_message(sock)
        assert self.engine.wait_until_done(PATIENCE_S)
        return self._described(
            _difference(self.server.counters.closed, closed),
            _difference(self.server.counters.dropped, dropped),
            self.answers[n_answers:],
            _difference(self._figures(), before),
            self.n_used - n_used,
        )

    def _fresh(self) -> None:
        """Forget the series, as after CMD_RESET."""
        self.engine.submit("reset")
        assert self.engine.wait_until_done(PATIENCE_S)

    def _accepts_a_good_message(self, sock: socket.socket) -> None:
        n_good = self.n_good
        sock.sendall(GOOD)
        until(lambda: self.n_good > n_good)

    def _route(self, envelope: Envelope) -> None:
        self.router.receive(envelope)
        if envelope.device_name == "Good":
            self.n_good += 1
        else:
            self.n_used += 1

    def _figures(self) -> dict[str, int]:
        counters = json.loads(self.engine.status_envelope().metadata["TR.Counters"])
        names = ("accepted", "missing", "repeated", "foreign", "restarts", "stepped_back", "moved", "rejected")
        return {name.replace("_", " "): counters[name] for name in names}

    def _described(self, closed, dropped, answers, figures, n_used) -> str:
        words = [f"closed ({reason})" for reason in closed] + [f"dropped ({reason})" for reason in dropped]
        words += [f"answered ({_meaning(answer)})" for answer in answers]
        if not words:
            words = ["used"] if n_used else ["nothing"]
        return ", ".join(words + [f"{name} {count}" for name, count in figures.items()])


def _difference(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    return {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}


def _meaning(answer: Envelope) -> str:
    if answer.type_name == "STRING":
        return "ok" if json.loads(answer.message.text)["ok"] else "error"
    return "not found" if answer.type_name == "STATUS" else "refused"


def observe() -> dict[str, str]:
    with ExitStack() as stack:
        bench = Bench(stack)
        return {bad.name: bench.reaction_to(bad) for bad in BAD_INPUTS}


def table_of(observed: dict[str, str]) -> str:
    lines = [INTRODUCTION]
    for title, section in SECTIONS.items():
        lines += [f"## {title}", "", "| sent | expected | observed |", "|---|---|---|"]
        lines += [f"| {bad.name} | {bad.reaction} | {observed[bad.name]} |" for bad in section]
        lines.append("")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def observed() -> dict[str, str]:
    return observe()


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_a_bad_input_meets_its_reaction(observed, bad):
    assert observed[bad.name] == bad.reaction


def test_the_table_is_that_of_the_tests(observed):
    assert len({bad.name for bad in BAD_INPUTS}) == len(BAD_INPUTS) >= 80
    assert TABLE.read_text(encoding="utf-8") == table_of(observed), "write it anew by running this file"


if __name__ == "__main__":
    TABLE.write_text(table_of(observe()), encoding="utf-8")
