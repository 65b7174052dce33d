"""An endless stream of batches from a pool of series that is renewed while training goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from TemporalReconLib.training.examples import Example, Sampling, random_example
from TemporalReconLib.training.recipe import Recipe
from TemporalReconLib.training.recorded_series import recorded_series
from TemporalReconLib.training.stored_series import StoredSeries, random_series
from TemporalReconLib.training.swept_series import swept_series


@dataclass(frozen=True)
class StreamConfig:
    """How training data are made.

    Attributes
    ----------
    backgrounds
        Volumes whose anatomy replaces the procedural pelvis in half of the simulated series.
    recordings
        Fully sampled series, drawn half of the time where there are any.
    batch_size, n_frames, n_columns
        Examples of a batch, frames of an example, width of its strip.
    pool_size
        Series in memory.
    batches_per_series
        After how many batches the oldest series is replaced by a new one.
    seed
        Same seed, same stream.
    matrices, coils
        Rows and columns, and coils, of simulated series; one that stands there more often is drawn more often.
        More than six coils are compressed to six virtual ones before a network sees them.
    """

    backgrounds: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    batch_size: int = 4
    n_frames: int = 12
    n_columns: int = 64
    pool_size: int = 24
    batches_per_series: int = 8
    seed: int = 0
    matrices: tuple[int, ...] = (256, 256, 256, 256, 192, 320)
    coils: tuple[int, ...] = (1, 2, 4, 6, 6, 6, 6)

    @classmethod
    def of(cls, recipe: Recipe, seed: int, backgrounds: tuple[Path, ...], recordings: tuple[Path, ...]) -> StreamConfig:
        """The data that a recipe asks for."""
        return cls(
            backgrounds=backgrounds,
            recordings=recordings,
            batch_size=recipe.batch_size,
            n_frames=recipe.n_frames,
            n_columns=recipe.n_columns,
            seed=seed,
        )

    def as_settings(self) -> dict[str, Any]:
        """Everything by name; files by the names they have wherever their folder lies."""
        settings: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        settings["backgrounds"] = [path.name for path in self.backgrounds]
        settings["recordings"] = [path.name for path in self.recordings]
        return settings


# Of the simulated series: volumes whose slices are played as time.
_SWEPT = 0.4


class ExampleStream(IterableDataset[Example]):
    """Batches as :class:`Example` with a batch axis in front; every worker and rank has its own seed.

    A stream that goes on after ``resumed_at`` steps does not repeat the examples of its beginning.
    """

    def __init__(self, config: StreamConfig, rank: int = 0, resumed_at: int = 0) -> None:
        super().__init__()
        self._config = config
        self._rank = rank
        self._resumed_at = resumed_at

    def __iter__(self) -> Iterator[Example]:
        config = self._config
        worker = get_worker_info()
        generator = np.random.default_rng(
            [config.seed, self._rank, 0 if worker is None else worker.id, self._resumed_at]
        )
        pool = [self._new_series(generator)]
        count = 0
        while True:
            if len(pool) < config.pool_size or count % config.batches_per_series == 0:
                pool = [*pool, self._new_series(generator)][-config.pool_size :]
            count += 1
            yield self._batch(generator, pool)

    def _new_series(self, generator: np.random.Generator) -> StoredSeries:
        config = self._config
        matrix, coils = int(generator.choice(config.matrices)), int(generator.choice(config.coils))
        if config.recordings and generator.random() < 0.5:
            chosen = config.recordings[int(generator.integers(len(config.recordings)))]
            return recorded_series(generator, chosen, coils, config.n_frames)
        if generator.random() < _SWEPT:
            return swept_series(generator, config.backgrounds, matrix, config.n_frames)
        return random_series(generator, config.backgrounds, matrix, coils)

    def _batch(self, generator: np.random.Generator, pool: list[StoredSeries]) -> Example:
        config = self._config
        shape = pool[int(generator.integers(len(pool)))].objects.shape[1:]
        fitting = [series for series in pool if series.objects.shape[1:] == shape]
        sampling = Sampling.random(generator, shape[0], config.n_frames, config.n_columns)
        chosen = generator.integers(len(fitting), size=config.batch_size)
        return stacked([random_example(generator, fitting[int(number)], sampling) for number in chosen])


def stacked(examples: list[Example]) -> Example:
    """Examples as one batch; those of few coils get coils without sensitivity."""
    n_coils = max(example.coil_maps.shape[0] for example in examples)
    columns = []
    for item in fields(Example):
        tensors = [getattr(example, item.name) for example in examples]
        if item.name in ("coil_maps", "sensitivities"):
            tensors = [_with_coils(tensor, n_coils) for tensor in tensors]
        columns.append(torch.stack(tensors))
    return Example(*columns)


def _with_coils(maps: torch.Tensor, n_coils: int) -> torch.Tensor:
    missing = n_coils - maps.shape[0]
    return maps if not missing else torch.cat([maps, maps.new_zeros((missing, *maps.shape[1:]))])
