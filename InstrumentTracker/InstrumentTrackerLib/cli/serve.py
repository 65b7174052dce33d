"""``instrument-tracker serve``: the whole pipeline behind one port."""

from __future__ import annotations

import argparse

from TemporalReconLib.cli.serve import add_serve_options, serve_options, serve_until_interrupted

from InstrumentTrackerLib.cli.guidance_options import (
    add_target_options,
    add_tracking_options,
    check_tracking_options,
    target_of,
    tracking_pipeline,
)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("serve", help="reconstruct a live stream, find the needle and send both on")
    add_serve_options(parser)
    add_target_options(parser)
    add_tracking_options(parser)
    parser.add_argument("--send-plane", action="store_true", help="also send PLANE_0, the plane through the tip")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_tracking_options(options)
    serve = serve_options(options)
    from InstrumentTrackerLib.guidance.processor import GuidanceProcessor

    tracking = tracking_pipeline(options, target_of(options))
    processor = GuidanceProcessor(options.method, options.device, options.weights, tracking, options.send_plane)
    return serve_until_interrupted(processor, serve, _models(options))


def _models(options: argparse.Namespace) -> list[str]:
    """What the reconstruction and the segmenter have learned, for the engine's start-up lines."""
    from TemporalReconLib.engine.start_up import model_text, models_of

    from InstrumentTrackerLib.segmentation.network_segmenter import METHOD
    from InstrumentTrackerLib.segmentation.registry import CLASSICAL, NETWORK

    models = models_of(options.method, options.weights)
    if options.segmenter == NETWORK:
        return [*models, model_text(METHOD, options.segmenter_weights)]
    return models if options.segmenter == CLASSICAL else [*models, f"segmenter {options.segmenter}"]
