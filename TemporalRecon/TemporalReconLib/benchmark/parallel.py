"""Runs done one after the other, or by several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import torch

from TemporalReconLib.benchmark.case_runner import Finished, Row, run_case
from TemporalReconLib.benchmark.contenders import Contenders
from TemporalReconLib.benchmark.runs import Plan, Run

Marks = Mapping[str, Row]
Group = TypeVar("Group")
Item = TypeVar("Item")


def in_processes(work: Callable[[Group], Iterable[Item]], groups: Sequence[Group], jobs: int) -> Iterator[Item]:
    """Work on groups and give each result as soon as it is there.

    Parameters
    ----------
    work
        What is done with a group, which is done by one process; for several processes it can be pickled.
    jobs
        Number of processes; 1 is this one.
    """
    if jobs == 1:
        for group in groups:
            yield from work(group)
        return
    # Not forked: torch's threads and a GPU do not survive it.
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, _begin, (max(1, (os.cpu_count() or 1) // jobs),)) as pool:
        for results in pool.imap_unordered(partial(_as_list, work), groups):
            yield from results


def finished_runs(
    plan: Plan, contenders: Contenders, pending: Sequence[Sequence[Run]], marks: Marks, jobs: int
) -> Iterator[Finished]:
    """Do runs and give each as soon as it is done.

    Parameters
    ----------
    pending
        Runs in groups that share series and condition; a group is done by one process.
    marks
        By method, what its rows state besides.
    jobs
        Number of processes; 1 is this one.
    """
    if jobs == 1:
        return in_processes(lambda runs: run_case(plan, contenders, runs, marks), pending, jobs)
    return in_processes(
        partial(_run_group, plan, contenders.device, tuple(contenders.weights.items()), marks), pending, jobs
    )


def _begin(n_threads: int) -> None:
    """Start of a process: Ctrl-C is for the parent, which ends its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(n_threads)


def _as_list(work: Callable[[Group], Iterable[Item]], group: Group) -> list[Item]:
    return list(work(group))


def _run_group(
    plan: Plan, device: str, weights: tuple[tuple[str, Path], ...], marks: Marks, runs: Sequence[Run]
) -> Iterator[Finished]:
    return run_case(plan, _contenders(device, weights, plan.n_frames), runs, marks)


@cache
def _contenders(device: str, weights: tuple[tuple[str, Path], ...], n_frames: int) -> Contenders:
    """Methods are built once in a process."""
    return Contenders(device, dict(weights), n_frames)
