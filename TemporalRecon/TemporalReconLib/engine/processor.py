"""What the engine runs between its sockets; reconstruction alone, or the whole way to the needle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.engine.pipeline import ReconstructionPipeline, StreamCounters
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.frames import recon_envelope
from TemporalReconLib.reconstruction.registry import make_reconstructor

if TYPE_CHECKING:
    import torch

Frame = KSpaceFrame | ImageFrame

NO_TARGETS = "this engine only reconstructs; targets belong to 'instrument-tracker serve'"


class FrameProcessor(Protocol):
    """The pipeline behind an engine; called from one thread only."""

    @property
    def status_device(self) -> str:
        """Device name of its STATUS messages."""
        ...

    @property
    def takes_target(self) -> bool:
        """Whether a target means anything to it."""
        ...

    @property
    def method(self) -> str:
        """Name of the reconstruction method in use."""
        ...

    @property
    def delay_frames(self) -> int:
        """Frames between the newest and the one whose picture is shown."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes now; it may change when memory runs out."""
        ...

    @property
    def counters(self) -> StreamCounters: ...

    @property
    def planning(self) -> Frame | None:
        """The planning scan in use."""
        ...

    @property
    def planning_note(self) -> str:
        """Why the planning scan is not used as it was sent; else empty."""
        ...

    def set_planning(self, planning: Frame) -> None: ...

    def ingest(self, frame: Frame) -> bool:
        """Take a frame; False if it was dropped as a repeat."""
        ...

    def produce(self) -> tuple[ImageFrame, list[Envelope]] | None:
        """The picture that is due and the messages that show it; None while the method has none."""
        ...

    def set_target(self, target: tuple[float, float, float] | None) -> None:
        """Aim at a point in RAS mm, or at none."""
        ...

    def select_method(self, name: str) -> None: ...

    def reset(self) -> None:
        """Forget the series and its planning scan."""
        ...

    def restart(self) -> None:
        """Forget the series, keep its planning scan."""
        ...

    def expect_gap(self) -> None:
        """Frames were ignored on purpose."""
        ...

    def expect_unreadable(self, n_frames: int) -> None:
        """So many frames came that could not be read."""
        ...

    def renew(self) -> None:
        """Be as new: no series, nothing counted."""
        ...


class ReconstructionProcessor:
    """k-space in, ``RECON`` out; an image that came as an image is passed on."""

    status_device = "TemporalRecon"
    takes_target = False

    def __init__(self, method: str, device: str = "auto", weights: Path | None = None) -> None:
        self._device = device
        self._weights = {method: weights}
        self.pipeline = ReconstructionPipeline(make_reconstructor(method, device, weights))
        self._image: ImageFrame | None = None

    @property
    def method(self) -> str:
        return self.pipeline.reconstructor.info.name

    @property
    def delay_frames(self) -> int:
        return self.pipeline.reconstructor.info.delay_frames

    @property
    def device(self) -> torch.device:
        return self.pipeline.reconstructor.device

    @property
    def counters(self) -> StreamCounters:
        return self.pipeline.counters

    @property
    def planning(self) -> Frame | None:
        return self.pipeline.planning

    @property
    def planning_note(self) -> str:
        return self.pipeline.planning_note

    def set_planning(self, planning: Frame) -> None:
        self.pipeline.set_planning(planning)

    def ingest(self, frame: Frame) -> bool:
        if isinstance(frame, KSpaceFrame):
            self._image = None
            return self.pipeline.ingest(frame)
        if not self.pipeline.count_image(frame):
            return False
        self._image = frame
        return True

    def image(self) -> ImageFrame | None:
        """The picture that is due; None while the method has none."""
        return self._image if self._image is not None else self.pipeline.reconstruct()

    def produce(self) -> tuple[ImageFrame, list[Envelope]] | None:
        image = self.image()
        return None if image is None else (image, [recon_envelope(image)])

    def set_target(self, target: tuple[float, float, float] | None) -> None:
        raise InputError(NO_TARGETS)

    def select_method(self, name: str) -> None:
        self.pipeline.replace_reconstructor(make_reconstructor(name, self._device, self._weights.get(name)))

    def reset(self) -> None:
        self._image = None
        self.pipeline.reset()

    def restart(self) -> None:
        self._image = None
        self.pipeline.restart()

    def expect_gap(self) -> None:
        self.pipeline.expect_gap()

    def expect_unreadable(self, n_frames: int) -> None:
        self.pipeline.expect_unreadable(n_frames)

    def renew(self) -> None:
        self.reset()
        self.pipeline.counters = StreamCounters()
