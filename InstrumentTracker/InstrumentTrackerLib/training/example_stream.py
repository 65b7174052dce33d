"""An endless stream of batches from a pool of pictures that is renewed while training goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from InstrumentTrackerLib.training.examples import Example, random_example
from InstrumentTrackerLib.training.picture import Picture
from InstrumentTrackerLib.training.recipe import Recipe
from InstrumentTrackerLib.training.rendered_pictures import RenderedPictures
from InstrumentTrackerLib.training.simulated_pictures import simulated_pictures

# A new stream makes a simulated frame for each batch until there are so many.
_FIRST_SIMULATED = 40


@dataclass(frozen=True)
class StreamConfig:
    """How training data are made.

    Attributes
    ----------
    backgrounds
        Volumes without instrument: anatomy of half of the pictures.
    batch_size, size
        Crops of a batch, and their rows and columns.
    seed
        Same seed, same stream.
    pool_size
        Pictures in memory, of each kind.
    rendered_per_batch, batches_per_simulated
        How many rendered pictures are new in each batch, and after how many batches one simulated frame is.
    new_per_batch, recent
        New examples in each batch; the others are drawn again from that many recent ones (data echoing: Choi et al.,
        arXiv:1907.05550), because making an example takes longer than learning from it.
    procedural, uses_of_volume
        Procedural volumes in memory, and pictures after which the oldest is replaced.
    """

    backgrounds: tuple[Path, ...] = ()
    batch_size: int = 8
    size: int = 192
    seed: int = 0
    pool_size: int = 320
    rendered_per_batch: int = 1
    batches_per_simulated: int = 4
    new_per_batch: int = 4
    recent: int = 256
    procedural: int = 4
    uses_of_volume: int = 400

    @classmethod
    def of(cls, recipe: Recipe, seed: int, backgrounds: tuple[Path, ...]) -> StreamConfig:
        """The data that a recipe asks for."""
        return cls(backgrounds, recipe.batch_size, recipe.size, seed, new_per_batch=-(-recipe.batch_size // 2))

    def as_settings(self) -> dict[str, Any]:
        """Everything by name; files by the names they have wherever their folder lies."""
        return asdict(self) | {"backgrounds": [path.name for path in self.backgrounds]}


class ExampleStream(IterableDataset[Example]):
    """Batches as :class:`Example` with a batch axis in front; every worker has its own seed.

    Half of the examples are rendered pictures, half are simulated ones. A stream that goes on after ``resumed_at``
    steps does not repeat the examples of its beginning.
    """

    def __init__(self, config: StreamConfig, resumed_at: int = 0) -> None:
        super().__init__()
        self._config, self._resumed_at = config, resumed_at

    def __iter__(self) -> Iterator[Example]:
        config, worker = self._config, get_worker_info()
        torch.set_num_threads(1)
        generator = np.random.default_rng([config.seed, 0 if worker is None else worker.id, self._resumed_at])
        rendered = RenderedPictures(generator, config.backgrounds, config.procedural, config.uses_of_volume)
        simulated = simulated_pictures(generator, config.backgrounds)
        pools = (deque[Picture](maxlen=config.pool_size), deque[Picture](maxlen=config.pool_size))
        recent = deque[Example](maxlen=config.recent)
        count = 0
        while True:
            pools[0].extend(rendered.next() for _ in range(config.rendered_per_batch))
            if len(pools[1]) < _FIRST_SIMULATED or count % config.batches_per_simulated == 0:
                pools[1].append(next(simulated))
            count += 1
            for number in range(config.new_per_batch):
                pool = pools[number % 2]
                recent.append(random_example(generator, pool[int(generator.integers(len(pool)))], config.size))
            chosen = [-1 - number for number in range(config.new_per_batch)]
            chosen += generator.integers(len(recent), size=config.batch_size - config.new_per_batch).tolist()
            yield stacked([recent[number] for number in chosen])


def stacked(examples: list[Example]) -> Example:
    """Examples as one batch."""
    return Example(
        torch.stack([item.slices for item in examples]),
        torch.stack([item.target for item in examples]),
        torch.stack([item.tips for item in examples]),
    )
