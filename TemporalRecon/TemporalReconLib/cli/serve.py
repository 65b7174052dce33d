"""``temporal-recon serve``: the live reconstruction engine."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from TemporalReconLib.cli.options import add_method_options, path_name
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.default_port import DEFAULT_PORT
from TemporalReconLib.igtl.device_names import IMAGE_DEVICE
from TemporalReconLib.igtl.peer_address import parse_address

if TYPE_CHECKING:
    from TemporalReconLib.engine.engine import Engine
    from TemporalReconLib.engine.processor import FrameProcessor
    from TemporalReconLib.engine.serving import ServeOptions

TELL_EVERY_S = 5.0


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("serve", help="reconstruct a live stream and send the images on")
    add_serve_options(parser)
    parser.set_defaults(run=run)


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """Options of both engines, ``temporal-recon serve`` and ``instrument-tracker serve``."""
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="OpenIGTLink port to listen on (%(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s: this machine only)")
    parser.add_argument(
        "--allow", action="append", default=[], metavar="ADDRESS", help="peer that may connect; needed beyond 127.0.0.1"
    )
    parser.add_argument(
        "--forward",
        metavar="HOST:PORT",
        help="also connect to a server, e.g. Slicer's or a scanner's bridge: results out, its frames and commands in",
    )
    parser.add_argument(
        "--image-device", default=IMAGE_DEVICE, metavar="NAME", help="name of incoming images (%(default)s)"
    )
    parser.add_argument(
        "--image-coordinates",
        choices=("label", "ras", "lps"),
        default="label",
        help="believe the images' coordinate label, or overrule it (%(default)s)",
    )
    parser.add_argument(
        "--slices-as-time",
        action="store_true",
        help="frames that lie elsewhere begin no new series: for the slices of a volume, played one after the other",
    )
    parser.add_argument("--legacy-v1", action="store_true", help="send version 1 headers for old receivers")
    parser.add_argument(
        "--message-log", type=path_name, metavar="FILE", help="append the name of every accepted message"
    )
    parser.add_argument(
        "--mrd-port", type=int, metavar="P", help="also listen for MRD raw data (9002 by custom); images go back"
    )
    parser.add_argument(
        "--mrd-frames",
        default="repetition",
        metavar="repetition|lines:N|sliding:N/STEP",
        help="which MRD lines make a frame: a repetition, N lines, or the last N after every STEP (%(default)s)",
    )
    parser.add_argument(
        "--record", type=path_name, metavar="DIR", help="keep everything that comes in as ISMRMRD files"
    )
    parser.add_argument(
        "--record-paused", action="store_true", help="begin with the recording off; CMD_RECORD switches it on"
    )
    add_method_options(parser)


def run(options: argparse.Namespace) -> int:
    serve = serve_options(options)
    from TemporalReconLib.engine.processor import ReconstructionProcessor
    from TemporalReconLib.engine.start_up import models_of

    processor = ReconstructionProcessor(options.method, options.device, options.weights)
    return serve_until_interrupted(processor, serve, models_of(options.method, options.weights))


def serve_options(options: argparse.Namespace) -> ServeOptions:
    """The parsed ``add_serve_options``; raises InputError where they contradict each other."""
    if options.record_paused and options.record is None:
        raise InputError("--record-paused: where to is missing; add --record DIR")
    from TemporalReconLib.engine.serving import ServeOptions
    from TemporalReconLib.mrd.frame_rule import FrameRule

    return ServeOptions(
        port=options.port,
        host=options.host,
        allow=tuple(options.allow),
        forward=parse_address(options.forward) if options.forward else None,
        image_device=options.image_device,
        image_coordinates=options.image_coordinates,
        slices_as_time=options.slices_as_time,
        legacy_v1=options.legacy_v1,
        message_log=options.message_log,
        record=options.record,
        record_paused=options.record_paused,
        mrd_port=options.mrd_port,
        mrd_frames=FrameRule.parsed(options.mrd_frames),
        weights={options.method: options.weights},
    )


def serve_until_interrupted(processor: FrameProcessor, options: ServeOptions, models: Sequence[str]) -> NoReturn:
    """Run the engine until Ctrl-C or SIGTERM, which end the process.

    Says on stdout how far its start is and where it listens, in the format of
    :mod:`~TemporalReconLib.engine.start_up`; nothing where it cannot start.

    Parameters
    ----------
    models
        What is learned, see :func:`~TemporalReconLib.engine.start_up.models_of`.
    """
    from TemporalReconLib.engine.serving import serving
    from TemporalReconLib.engine.start_up import environment_text, step_line, warm_up_text, weights_text

    def prepare() -> None:
        _say(step_line(1, environment_text(processor.device)))
        _say(step_line(2, weights_text(models)))
        _say(step_line(3, warm_up_text(processor)))

    try:
        with serving(processor, options, prepare) as (server, engine):
            listening = f"listening on {server.host}:{server.port}"
            _say(step_line(4, listening))
            _say(f"{listening}\n")
            _tell(engine)
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
    # Everything is closed. Ending torch's threads properly takes seconds on a busy machine, and for ever on a device
    # that hangs.
    sys.stderr.flush()
    os._exit(0)


def _tell(engine: Engine) -> NoReturn:
    """At a terminal, a line whenever something has happened, not more often than every few seconds.

    A log that a panel keeps has no use for it: what went wrong would soon be pushed out.
    """
    if not sys.stdout.isatty():
        threading.Event().wait()
    from TemporalReconLib.engine.terminal_line import terminal_line

    told = engine.health.events
    while True:
        time.sleep(TELL_EVERY_S)
        health = engine.health
        if health.events != told:
            _say(f"{terminal_line(health)}\n")
            told = health.events


def _say(line: str) -> None:
    """A line on stdout that a pipe passes on at once."""
    sys.stdout.write(line)
    sys.stdout.flush()
