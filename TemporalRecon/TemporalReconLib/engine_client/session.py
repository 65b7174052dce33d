"""One live session as the user sees it: the engine process and the link to it, summed up in one state."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from TemporalReconLib.engine_client.image import age_on_arrival_s, number_of
from TemporalReconLib.engine_client.process import EngineProcess, ProcessState
from TemporalReconLib.engine_client.report import EngineReport, StartUpStep, start_up_step
from TemporalReconLib.frame_clock import MIN_STALE_S
from TemporalReconLib.igtl.device_names import RECON_DEVICE

if TYPE_CHECKING:  # the link needs packages that Slicer may not have before the first start
    from TemporalReconLib.engine_client.link import EngineLink
    from TemporalReconLib.igtl.envelope import Envelope

SLOW_START_S = 60.0
# Younger pictures are never called late; beyond, twice the time after which one is stale: methods with delay need it.
MIN_LATE_S = 1.0
_LOCAL_HOSTS = ("", "127.0.0.1", "localhost", "::1")


class SessionState(str, Enum):
    """What the state line says first."""

    STOPPED = "stopped"
    STARTING = "starting"
    WAITING = "waiting for data"
    RUNNING = "running"
    STALLED = "stalled"
    PAUSED = "paused"
    STOPPING = "stopping"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        return self not in (SessionState.STOPPED, SessionState.FAILED)


@dataclass(frozen=True)
class SessionStatus:
    """A moment of a session.

    Attributes
    ----------
    state, reason, advice
        What is, why, and what the user can do about it; the texts may be empty.
    n_frames
        Pictures received from the engine.
    n_dropped
        Frames the engine reports as lost or skipped.
    latency_s
        Seconds the engine spent on the newest picture; None if unknown.
    quality
        0 (failed) to 1 (as good as fully sampled) of the newest picture; None where the method gives no estimate.
    silence_s
        Seconds since the newest picture arrived; None before the first.
    age_s
        Age of the newest picture now, from the middle of its acquisition, s; None before the first.
    stale_after_s
        Silence from which on the shown picture is stale, s; see :mod:`~TemporalReconLib.frame_clock`.
    start_up
        The step of its start that the engine has done last; None for an engine on another computer.
    report
        What the engine says of itself.
    """

    state: SessionState
    reason: str = ""
    advice: str = ""
    n_frames: int = 0
    n_dropped: int = 0
    latency_s: float | None = None
    quality: float | None = None
    silence_s: float | None = None
    age_s: float | None = None
    stale_after_s: float = MIN_STALE_S
    start_up: StartUpStep | None = None
    report: EngineReport = field(default_factory=EngineReport)

    @property
    def is_stale(self) -> bool:
        """Whether the shown picture must not be taken for live, be the engine there or not."""
        return self.silence_s is not None and self.silence_s > self.stale_after_s

    @property
    def is_late(self) -> bool:
        """Whether pictures come, but each is old already: the computer does not keep up, or the network."""
        return not self.is_stale and self.age_s is not None and self.age_s > max(MIN_LATE_S, 2.0 * self.stale_after_s)


class EngineSession:
    """Starts an engine (or joins one on another computer), follows it and sums up its state.

    Parameters
    ----------
    module
        Package of the engine, run with ``serve``.
    python
        Interpreter that runs it.
    search_paths
        Folders that hold packages of ours beyond this one.
    status_device
        Device name of the engine's STATUS messages.
    """

    def __init__(
        self,
        module: str,
        python: str = sys.executable,
        search_paths: Sequence[Path] = (),
        status_device: str = "TemporalRecon",
    ) -> None:
        self.process = EngineProcess(module, python, search_paths)
        self.link: EngineLink | None = None
        self._status_device = status_device
        self._port = 0
        self._is_local = True
        self._started_at = 0.0

    def start(
        self,
        host: str,
        port: int,
        options: Sequence[str] = (),
        listener: Callable[[Envelope], None] | None = None,
    ) -> None:
        """Start an engine that listens on ``port`` of this computer, or join the one at ``host``.

        Parameters
        ----------
        options
            Command line options after ``serve --port N``; not used for an engine on another computer.
        listener
            Called with every message from the engine on a thread of the link.

        Raises
        ------
        InputError
            If the session is active or the engine cannot be started.
        """
        from TemporalReconLib.engine_client.link import EngineLink

        self._close_link()
        self._is_local = is_this_computer(host)
        if self._is_local:
            self.process.start(["serve", "--port", str(port), *options])
        self._port = port
        self._started_at = time.monotonic()
        self.link = EngineLink("127.0.0.1" if self._is_local else host.strip(), port, listener)

    def stop(self, wait: bool = False) -> None:
        """End the session; an engine on another computer goes on."""
        self._close_link()
        self.process.stop(wait)

    def newest(self, device_name: str) -> Envelope | None:
        """The newest message of a device, or None."""
        return None if self.link is None else self.link.newest(device_name)

    @property
    def status(self) -> SessionStatus:
        """The state now; never blocks."""
        if self._is_local:
            if self.process.state is ProcessState.FAILED:
                exit_reason = self.process.exit_reason
                self._close_link()
                if exit_reason is not None:
                    return SessionStatus(SessionState.FAILED, exit_reason.reason, exit_reason.advice)
            if self.process.state is ProcessState.STOPPING:
                return SessionStatus(SessionState.STOPPING)
        if self.link is None:
            return SessionStatus(SessionState.STOPPED)
        return self._connected_status(self.link)

    def _connected_status(self, link: EngineLink) -> SessionStatus:
        silence = link.silence_s(RECON_DEVICE)
        if silence is None:
            return self._status_before_first_picture(link)
        newest = link.newest(RECON_DEVICE)
        metadata = {} if newest is None else newest.metadata
        latency_ms = number_of(metadata.get("TR.Latency_ms"))
        quality = number_of(metadata.get("TR.Quality"))
        status = SessionStatus(
            SessionState.RUNNING,
            n_frames=link.count(RECON_DEVICE),
            n_dropped=int(number_of(metadata.get("TR.Dropped")) or 0),
            latency_s=None if latency_ms is None else latency_ms / 1e3,
            quality=quality,
            silence_s=silence,
            age_s=silence + (0.0 if newest is None else age_on_arrival_s(newest)),
            stale_after_s=link.stale_after_s(RECON_DEVICE),
            report=self._report(link),
        )
        if status.is_stale:
            reason, advice = self._why_stalled(link, silence)
            return replace(status, state=SessionState.STALLED, reason=reason, advice=advice)
        if not link.is_connected:
            return status  # just lost; it is told once the picture is stale
        reason, advice = self._engine_words(link)
        return replace(status, reason=reason, advice=advice)

    def _why_stalled(self, link: EngineLink, silence: float) -> tuple[str, str]:
        missing = f"no picture for {silence:.1f} s"
        if not link.is_connected:
            reason = f"the connection to the engine is lost, {missing}"
            return reason, "It is tried again; check the network and the engine's computer."
        if self._engine_state(link) in ("failed", "stopped"):
            return self._engine_words(link)
        return missing, "Check that the scanner still sends; press Stop and Start if it does."

    def _status_before_first_picture(self, link: EngineLink) -> SessionStatus:
        if link.is_connected:
            report = self._report(link)
            if self._engine_state(link) == "failed":
                return SessionStatus(SessionState.STALLED, *self._engine_words(link), report=report)
            advice = f"Let the scanner send to port {self._port}."
            return SessionStatus(SessionState.WAITING, "no picture yet", advice, report=report)
        waited = time.monotonic() - self._started_at
        step = (start_up_step(self.process.log_tail) or StartUpStep()) if self._is_local else None
        if waited < SLOW_START_S:
            reason = "the engine is loading" if self._is_local else "connecting"
            return SessionStatus(SessionState.STARTING, reason, start_up=step)
        advice = "Check address, port and firewall."
        if self._is_local:
            advice = "Look at the log; press Cancel if nothing moves there."
        return SessionStatus(SessionState.STARTING, f"no answer for {waited:.0f} s", advice, start_up=step)

    def _report(self, link: EngineLink) -> EngineReport:
        envelope = link.newest(self._status_device)
        return EngineReport() if envelope is None else EngineReport.of(envelope.metadata)

    def _engine_state(self, link: EngineLink) -> str:
        envelope = link.newest(self._status_device)
        return "" if envelope is None else envelope.metadata.get("TR.State", "")

    def _engine_words(self, link: EngineLink) -> tuple[str, str]:
        """Reason and advice of the engine's newest STATUS, whose text is ``state: reason; advice``."""
        envelope = link.newest(self._status_device)
        text = str(getattr(envelope and envelope.message, "text", "")).partition(": ")[2]
        reason, _, advice = text.partition("; ")
        return reason, advice[:1].upper() + advice[1:]

    def _close_link(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None


def is_this_computer(host: str) -> bool:
    """Whether an engine at this address is started here, rather than joined."""
    return host.strip() in _LOCAL_HOSTS


def listen_options(scanner_address: str) -> list[str]:
    """Options that let one more computer in, beside this one; OpenIGTLink has no login, so nobody else may."""
    address = scanner_address.strip()
    return ["--host", "0.0.0.0", "--allow", address, "--allow", "127.0.0.1"] if address else []
