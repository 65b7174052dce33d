"""``temporal-recon benchmark link``: the OpenIGTLink link beside others on this machine, in one run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from TemporalReconLib.cli.options import path_name
from TemporalReconLib.cli.output_options import JSON_SUFFIXES, check_outputs
from TemporalReconLib.errors import InputError

if TYPE_CHECKING:
    from TemporalReconLib.benchmark.link_figures import LinkFigures

COILS = (1, 16)


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    parser = subparsers.add_parser("link", help="latency and rate of the link, beside pyigtl and the C++ library")
    parser.add_argument("--messages", type=int, default=100, metavar="N", help="per link and size (%(default)s)")
    parser.add_argument("--output", type=path_name, metavar="JSON", help="also write the figures to a file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.messages < 5:
        raise InputError(f"--messages {options.messages}: expected 5 or more")
    check_outputs({"--output": (options.output, JSON_SUFFIXES)})
    from TemporalReconLib.benchmark.link_engine import measure_engine
    from TemporalReconLib.benchmark.link_figures import measure_cpp, measure_ours, measure_pyigtl

    measures: list[Callable[[int, int], LinkFigures | None]] = [
        measure_ours,
        measure_pyigtl,
        measure_cpp,
        measure_engine,
    ]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    sys.stdout.write(f"5 x 256 x 256 complex64 per coil, loopback; load {load:.1f} on {os.cpu_count()} cores\n")
    sys.stdout.write(f"{'link':20}{'coils':>6}{'MB':>8}{'median ms':>11}{'p95 ms':>9}{'frames/s':>10}{'lost':>6}\n")
    rows = []
    for n_coils in COILS:
        for measure in measures:
            row = measure(n_coils, options.messages if n_coils == 1 else max(5, options.messages // 5))
            if row is not None:
                rows.append(row.as_row())
                sys.stdout.write(_line(row))
    if options.output is not None:
        machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": load}
        options.output.write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return 0


def _line(row: LinkFigures) -> str:
    rate = "-" if row.frames_per_second is None else f"{row.frames_per_second:.1f}"
    return (
        f"{row.link:20}{row.n_coils:>6}{row.megabytes:>8.1f}{row.median_ms:>11.2f}{row.p95_ms:>9.2f}"
        f"{rate:>10}{row.n_lost:>6}\n"
    )
