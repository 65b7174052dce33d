"""Cases one after the other, or side by side by Dask: on this machine or on a cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion
from InstrumentTrackerLib.evaluation.study.runs.case_work import CaseOutcome, CaseTask

# Cases that wait at each worker, so that none is idle; more would only fill memory.
_AHEAD = 2

Work = Callable[[CaseTask], CaseOutcome]


@dataclass(frozen=True)
class Schedule:
    """Where cases are worked on.

    Attributes
    ----------
    n_workers
        Processes on this machine; 0 is this process alone.
    scheduler
        Address of a running Dask scheduler, None to begin one here.
    memory_gb
        A worker that needs more is ended, and its case listed; None: an equal share of the machine's memory.
    """

    n_workers: int = 0
    scheduler: str | None = None
    memory_gb: float | None = None

    def outcomes(self, work: Work, tasks: Sequence[CaseTask]) -> Iterator[CaseOutcome]:
        """Each as soon as it is there, in any order.

        Raises
        ------
        InputError
            If Dask is needed and missing, or no scheduler answers.
        """
        if self.n_workers == 0 and self.scheduler is None:
            yield from map(work, tasks)
        elif tasks:
            with self._client() as client:
                yield from _by_dask(client, work, tasks)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        distributed = require_dask()
        # Its notes would stand in the middle of the line of progress.
        logging.getLogger("distributed").setLevel(logging.ERROR)
        with ExitStack() as stack:
            if self.scheduler is None:
                limit = "auto" if self.memory_gb is None else int(self.memory_gb * 2**30)
                cluster = distributed.LocalCluster(
                    n_workers=self.n_workers,
                    threads_per_worker=1,
                    memory_limit=limit,
                    dashboard_address=None,
                    silence_logs="ERROR",
                )
                stack.enter_context(cluster)
                yield stack.enter_context(distributed.Client(cluster))
                return
            try:
                client = distributed.Client(self.scheduler, timeout="20s")
            except (OSError, ValueError, TimeoutError) as error:
                raise InputError(f"--scheduler {self.scheduler}: no Dask scheduler answers ({error})") from error
            yield stack.enter_context(client)


def require_dask() -> Any:
    """The module ``distributed``.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise InputError("several workers need Dask: pip install 'dask[distributed]', or give --workers 0") from error
    return distributed


def _by_dask(client: Any, work: Work, tasks: Sequence[CaseTask]) -> Iterator[CaseOutcome]:
    from distributed import as_completed

    waiting = iter(tasks)
    running: dict[Any, CaseTask] = {}
    done = as_completed()
    # Sent once, not with every case.
    shared = client.scatter(work, broadcast=True)

    def refill() -> None:
        room = _AHEAD * max(sum(client.nthreads().values()), 1) - len(running)
        # The range comes first: it ends without taking a task.
        for _, task in zip(range(room), waiting, strict=False):
            future = client.submit(_call, shared, task, pure=False)
            running[future] = task
            done.add(future)

    refill()
    for future in done:
        task = running.pop(future)
        try:
            outcome = future.result()
        except Exception as error:  # a worker that died with its case: out of memory, or a broken library
            reason = f"the worker was lost ({type(error).__name__}: {' '.join(str(error).split()):.200})"
            excluded = [Exclusion(task.case.patient, task.case.name, reason)]
            outcome = CaseOutcome(task.case, [], excluded=excluded, n_runs=len(task.runs))
        future.release()
        refill()
        yield outcome


def _call(work: Work, task: CaseTask) -> CaseOutcome:
    return work(task)
