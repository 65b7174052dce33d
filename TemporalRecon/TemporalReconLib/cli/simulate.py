"""``temporal-recon simulate``: a simulated in-bore biopsy as an ISMRMRD file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.cli.options import path_name, seed_number
from TemporalReconLib.cli.output_options import ISMRMRD_SUFFIXES, JSON_SUFFIXES, check_outputs
from TemporalReconLib.cli.progress import Progress
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.simulation_config import ORIENTATIONS, SimulationConfig

_DEFAULTS = SimulationConfig()


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("simulate", help="make raw data of a simulated biopsy, with exact truth")
    parser.add_argument("--output", type=path_name, required=True, metavar="CASE.h5", help="ISMRMRD file to write")
    parser.add_argument("--truth", type=path_name, metavar="JSON", help="write target and true tip positions there")
    parser.add_argument("--background", type=path_name, metavar="VOL", help="MR volume to use as anatomy")
    parser.add_argument(
        "--frames", type=int, default=_DEFAULTS.frames, metavar="N", help="frames to acquire (%(default)s)"
    )
    parser.add_argument(
        "--acceleration",
        type=float,
        default=_DEFAULTS.acceleration,
        metavar="R",
        help="full / acquired phase-encode lines (%(default)s)",
    )
    parser.add_argument("--mask", choices=MASK_KINDS, default=_DEFAULTS.mask, help="order of the lines (%(default)s)")
    parser.add_argument("--coils", type=int, default=_DEFAULTS.coils, metavar="C", help="1 to 32 (%(default)s)")
    parser.add_argument(
        "--coil-maps",
        type=path_name,
        metavar="NPY",
        help="complex sensitivities (coil, row, col); --coils of them are used, evenly chosen",
    )
    parser.add_argument(
        "--seed", type=seed_number, default=_DEFAULTS.seed, metavar="S", help="patient, story and noise (%(default)s)"
    )
    parser.add_argument("--slices", type=int, default=_DEFAULTS.n_slices, metavar="N", help="1 to 20 (%(default)s)")
    parser.add_argument("--matrix", type=int, default=_DEFAULTS.matrix, metavar="N", help="rows, columns (%(default)s)")
    parser.add_argument(
        "--orientation", choices=ORIENTATIONS, default=_DEFAULTS.orientation, help="of the slices (%(default)s)"
    )
    parser.add_argument(
        "--noise",
        type=float,
        default=_DEFAULTS.noise,
        metavar="FRACTION",
        help="noise per coil relative to the image's 99th percentile (%(default)s)",
    )
    parser.add_argument("--no-planning", action="store_true", help="without the fully sampled planning scan")
    parser.add_argument("--no-instrument", action="store_true", help="without guide and needle")
    parser.add_argument("--no-motion", action="store_true", help="everything rests, the needle at the target")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = SimulationConfig(
        frames=args.frames,
        acceleration=args.acceleration,
        mask=args.mask,
        coils=args.coils,
        seed=args.seed,
        n_slices=args.slices,
        matrix=args.matrix,
        orientation=args.orientation,
        background=args.background,
        coil_maps=args.coil_maps,
        planning=not args.no_planning,
        instrument=not args.no_instrument,
        motion=not args.no_motion,
        noise=args.noise,
    )
    check_outputs(
        {"--output": (args.output, ISMRMRD_SUFFIXES), "--truth": (args.truth, JSON_SUFFIXES)},
        args.background,
        args.coil_maps,
    )
    for option, path in (("--background", args.background), ("--coil-maps", args.coil_maps)):
        if path is not None and not path.exists():
            raise InputError(f"{option} {path}: no such file; give the name of an existing one")
    # Only now, because importing torch takes longer than refusing a wrong command line.
    from TemporalReconLib.acquisition.ismrmrd_writer import SequenceParameters, write_ismrmrd
    from TemporalReconLib.simulation.bssfp import ECHO_TIME_S, FIELD_STRENGTH_T, REPETITION_TIME_S
    from TemporalReconLib.simulation.simulated_series import simulate_series

    series = simulate_series(config)
    sequence = SequenceParameters(
        repetition_time_ms=REPETITION_TIME_S * 1e3,
        echo_time_ms=ECHO_TIME_S * 1e3,
        flip_angle_deg=series.flip_deg,
        field_strength_t=FIELD_STRENGTH_T,
    )
    with Progress() as progress:
        frames = progress.count(series.frames, config.frames, "simulating frame")
        write_ismrmrd(args.output, frames, series.planning, sequence)
    if args.truth is not None:
        series.truth.write(args.truth)
    sys.stdout.write(f"target {_place(series.truth.target)}, entry {_place(series.truth.entry)} (R,A,S mm)\n")
    return 0


def _place(point: Iterable[float]) -> str:
    """As ``--target`` and ``--entry`` take it."""
    return ",".join(f"{value:.1f}" for value in point)
