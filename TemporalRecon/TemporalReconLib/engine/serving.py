"""The engine behind its sockets, for as long as ``serve`` runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from TemporalReconLib.engine.engine import Engine
from TemporalReconLib.engine.fanout import Fanout
from TemporalReconLib.engine.forwarder import Forwarder
from TemporalReconLib.engine.memory_fallback import MemoryFallback
from TemporalReconLib.engine.mrd_link import MrdLink
from TemporalReconLib.engine.processor import FrameProcessor, ReconstructionProcessor
from TemporalReconLib.engine.recorder import Recorder
from TemporalReconLib.engine.router import Router
from TemporalReconLib.igtl.counters import ServerCounters
from TemporalReconLib.igtl.default_port import DEFAULT_PORT
from TemporalReconLib.igtl.device_names import IMAGE_DEVICE
from TemporalReconLib.igtl.image_message import ImageCoordinates
from TemporalReconLib.igtl.server import IgtlServer
from TemporalReconLib.mrd.frame_rule import BY_REPETITION, FrameRule

logger = logging.getLogger(__name__)

# Two seconds for what may hang; the server of OpenIGTLink then closes its clients.
_STOP_ENGINE_S = 0.7
_STOP_RECORDER_S = 0.6
_STOP_LINKS_S = 0.2


@dataclass(frozen=True)
class ServeOptions:
    """Where the engine listens and what it keeps; see ``temporal-recon serve --help``."""

    port: int = DEFAULT_PORT
    host: str = "127.0.0.1"
    allow: tuple[str, ...] = ()
    forward: tuple[str, int] | None = None
    image_device: str = IMAGE_DEVICE
    image_coordinates: ImageCoordinates = "label"
    slices_as_time: bool = False
    legacy_v1: bool = False
    message_log: Path | None = None
    record: Path | None = None
    record_paused: bool = False
    mrd_port: int | None = None
    mrd_frames: FrameRule = BY_REPETITION
    weights: Mapping[str, Path | None] = field(default_factory=dict)


@contextmanager
def serving(
    processor: FrameProcessor, options: ServeOptions, prepare: Callable[[], None] = lambda: None
) -> Iterator[tuple[IgtlServer, Engine]]:
    """Run the engine and its sockets inside the ``with`` block.

    Parameters
    ----------
    prepare
        Called once ports and files are there, before the processor gets its first frame. Frames that come meanwhile
        wait.

    Raises
    ------
    InputError
        If a port is in use, an address is not allowed, or a file cannot be written.
    """
    routes: list[Router] = []
    server = IgtlServer(
        options.port,
        options.host,
        options.allow,
        on_message=lambda envelope: routes[0].receive(envelope),
        on_drop=lambda type_name, error: routes[0].dropped(type_name, error),
        legacy_v1=options.legacy_v1,
        image_coordinates=options.image_coordinates,
        message_log=options.message_log,
    )
    forwarder = None
    if options.forward is not None:
        forwarder = Forwarder(
            *options.forward,
            legacy_v1=options.legacy_v1,
            on_message=lambda envelope: routes[0].receive(envelope),
            image_coordinates=options.image_coordinates,
        )
    fanout = Fanout(server, forwarder)
    recorder = Recorder(options.record, is_on=not options.record_paused) if options.record is not None else None
    mrd = None
    if options.mrd_port is not None:
        mrd = MrdLink(options.mrd_port, options.host, options.allow, options.mrd_frames)

    def link_counters() -> ServerCounters:
        """The server's; scanners by MRD and the server results are forwarded to are connected peers, too."""
        counters = server.counters
        n_others = (mrd is not None and mrd.server.counters().clients) + (
            forwarder is not None and forwarder.is_connected
        )
        return replace(counters, clients=counters.clients + n_others)

    fallback = None
    if isinstance(processor, ReconstructionProcessor):
        processor.pipeline.follow_geometry = not options.slices_as_time
        fallback = MemoryFallback(processor.pipeline, options.weights)
    engine = Engine(
        processor,
        fanout.publish,
        on_image=None if mrd is None else mrd.send_image,
        recorder=recorder,
        link_counters=link_counters,
        fallback=fallback,
    )
    routes.append(Router(engine, fanout, options.image_device))
    with ExitStack() as stack:
        stack.enter_context(server)
        if recorder is not None:
            recorder.start()
            stack.callback(recorder.stop, _STOP_RECORDER_S)
        if mrd is not None:
            mrd.start(engine)
            stack.callback(mrd.stop, _STOP_LINKS_S)
        prepare()
        engine.start()
        stack.callback(engine.stop, _STOP_ENGINE_S)
        if forwarder is not None:
            forwarder.start()
            stack.callback(forwarder.stop, _STOP_LINKS_S)
        yield server, engine
