"""``instrument-tracker serve``: the whole pipeline behind one port."""

from __future__ import annotations

import argparse

from TemporalReconLib.cli.serve import (
    add_serve_options,
    let_idle_threads_sleep,
    serve_options,
    serve_until_interrupted,
)

from InstrumentTrackerLib.cli.track import add_target_options, target_of


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("serve", help="reconstruct a live stream, find the needle and send both on")
    add_serve_options(parser)
    add_target_options(parser)
    parser.add_argument("--send-plane", action="store_true", help="also send PLANE_0, the plane through the tip")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    let_idle_threads_sleep()
    from InstrumentTrackerLib.guidance_processor import GuidanceProcessor

    processor = GuidanceProcessor(
        options.method, options.device, options.weights, target_of(options), options.send_plane
    )
    return serve_until_interrupted(processor, serve_options(options))
