"""A series is played like a recording: play, pause, step, seek, loop, and a clear end whatever happens."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from TemporalReconLib.acquisition.frame_series import FrameList, Series, SlicesAsTime
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.undersampling import undersample
from TemporalReconLib.engine.offline import OpenedSeries, reconstruct_series
from TemporalReconLib.engine.processor import ReconstructionProcessor
from TemporalReconLib.engine.serving import ServeOptions, serving
from TemporalReconLib.errors import InputError
from TemporalReconLib.igtl.client import IgtlClient
from TemporalReconLib.igtl.server import IgtlServer
from TemporalReconLib.playback.player_status import PlayerState
from TemporalReconLib.playback.series_player import SeriesPlayer
from TemporalReconLib.playback.series_stream import RUN_IN_FRAMES
from TemporalReconLib.reconstruction.registry import make_reconstructor

PATIENCE_S = 10.0
ROWS, COLUMNS = 32, 24
GEOMETRY = np.diag([1.5, 1.5, 3.0, 1.0])


def picture(index):
    """A bright block that moves down one row per frame, (slice, row, col)."""
    pixels = np.zeros((1, ROWS, COLUMNS), np.float32)
    pixels[0, 2 + index % 20 : 8 + index % 20, 6:15] = 1.0 + index
    return pixels


def images(n_frames=12, interval_s=0.05):
    frames = [ImageFrame(picture(k), GEOMETRY, k, k * interval_s, k * interval_s, "case") for k in range(n_frames)]
    return FrameList("case", frames, interval_s)


def kspace(n_frames=40, acceleration=4.0):
    return undersample(images(n_frames), acceleration, "golden")


class Listener:
    """A server that keeps what it is told."""

    def __init__(self):
        self.envelopes = []
        self.server = IgtlServer(port=0, on_message=self.envelopes.append)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()

    @property
    def frames(self):
        """(stream, index) of every frame but planning scans."""
        return [
            (envelope.metadata["TR.StreamID"], int(envelope.metadata["TR.FrameIndex"]))
            for envelope in list(self.envelopes)
            if "TR.Role" not in envelope.metadata
        ]

    @property
    def indices(self):
        return [index for _, index in self.frames]

    @property
    def n_streams(self):
        return len({stream for stream, _ in self.frames})


@pytest.fixture
def listener():
    with Listener() as listener:
        yield listener


@pytest.fixture
def play_to():
    """Make a player of a series for a port; closed in the end."""
    players = []

    def make(series, port, planning=None, **options):
        opened = OpenedSeries(series, planning, follow_geometry=True) if isinstance(series, Series) else None
        player = SeriesPlayer((lambda: opened) if opened else series, "127.0.0.1", port, **options)
        players.append(player)
        return player

    yield make
    for player in players:
        player.close()


def wait_for(condition, what="the condition"):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {PATIENCE_S} s"
        time.sleep(0.005)


def reach(player, state):
    wait_for(lambda: player.status.state is state, f"{state}; it is {player.status}")
    return player.status


def test_every_frame_is_sent_once_in_order_at_its_pace_with_the_present_time(listener, play_to):
    begin = time.time()
    player = play_to(images(12, interval_s=0.05), listener.server.port)
    player.play()
    status = reach(player, PlayerState.FINISHED)
    took = time.time() - begin
    assert (status.position, status.n_frames, status.rate_fps) == (11, 12, pytest.approx(20.0))
    assert status.time_s == pytest.approx(0.55)
    assert listener.indices == list(range(12))
    assert listener.n_streams == 1
    assert 0.55 <= took < 3.0
    for envelope in listener.envelopes:
        start, end = (float(envelope.metadata[f"TR.Acq{name}Time"]) for name in ("Start", "End"))
        assert end - start == pytest.approx(0.05, abs=1e-5)
        assert 0.0 <= envelope.arrival_time - end < 0.5
    ends = [float(envelope.metadata["TR.AcqEndTime"]) for envelope in listener.envelopes]
    assert np.median(np.diff(ends)) == pytest.approx(0.05, abs=0.02)


def test_no_command_waits_even_while_a_series_opens_slowly(listener, play_to):
    is_open = threading.Event()

    def open_slowly():
        is_open.wait(PATIENCE_S)
        return OpenedSeries(images(4), None, follow_geometry=True)

    player = play_to(open_slowly, listener.server.port)
    begin = time.monotonic()
    player.play()
    for command in (player.pause, player.play, lambda: player.seek(2), lambda: player.set_rate(30.0)):
        command()
    assert time.monotonic() - begin < 0.2
    reach(player, PlayerState.OPENING)
    is_open.set()
    reach(player, PlayerState.FINISHED)
    assert listener.indices[-2:] == [2, 3]


def test_closing_while_a_series_opens_takes_less_than_a_second_and_nothing_is_sent(listener, play_to):
    is_open = threading.Event()

    def open_slowly():
        is_open.wait(PATIENCE_S)
        return OpenedSeries(images(4), None, follow_geometry=True)

    player = play_to(open_slowly, listener.server.port)
    player.play()
    reach(player, PlayerState.OPENING)
    begin = time.monotonic()
    player.close()
    assert time.monotonic() - begin < 1.0
    assert player.status.state is PlayerState.STOPPED
    is_open.set()
    time.sleep(0.2)
    assert listener.envelopes == []


def test_pause_holds_the_frame_and_play_goes_on_behind_it_in_the_same_stream(listener, play_to):
    player = play_to(images(30), listener.server.port, rate_fps=50.0)
    player.play()
    wait_for(lambda: len(listener.frames) >= 5)
    player.pause()
    reach(player, PlayerState.PAUSED)
    held = player.status.position
    time.sleep(0.3)
    assert player.status.position == held
    wait_for(lambda: listener.indices[-1] == held)
    player.play()
    reach(player, PlayerState.FINISHED)
    assert listener.indices == list(range(30))
    assert listener.n_streams == 1


def test_a_resumed_series_keeps_its_pace_instead_of_catching_up(listener, play_to):
    player = play_to(images(10), listener.server.port, rate_fps=10.0)
    player.play()
    wait_for(lambda: len(listener.frames) >= 2)
    player.pause()
    reach(player, PlayerState.PAUSED)
    n_before = len(listener.frames)
    time.sleep(0.5)
    player.play()
    time.sleep(0.35)
    assert len(listener.frames) - n_before <= 5


def test_steps_add_up_and_pause(listener, play_to):
    player = play_to(images(12), listener.server.port)
    for _ in range(3):
        player.step(1)
    wait_for(lambda: listener.indices[-1:] == [2])
    reach(player, PlayerState.PAUSED)
    player.step(1)
    wait_for(lambda: listener.indices[-2:] == [2, 3])
    assert listener.frames[-1][0] == listener.frames[-2][0], "the next frame belongs to the same stream"
    player.step(-2)
    wait_for(lambda: listener.indices[-1:] == [1])
    assert listener.frames[-1][0] != listener.frames[-2][0], "time must not go backwards within a stream"
    player.step(-99)
    wait_for(lambda: player.status.position == 0)
    player.step(99)
    wait_for(lambda: player.status.position == 11)


def test_a_jump_of_an_undersampled_series_sends_what_leads_up_to_it_dated_back(listener, play_to):
    series = kspace(40)
    player = play_to(series, listener.server.port, planning=images(1).frame(0), rate_fps=20.0)
    player.seek(38)
    wait_for(lambda: listener.indices[-1:] == [38])
    assert listener.indices == list(range(38 - RUN_IN_FRAMES, 39))
    assert listener.n_streams == 1
    assert listener.envelopes[0].metadata["TR.Role"] == "planning"
    ends = [float(envelope.metadata["TR.AcqEndTime"]) for envelope in listener.envelopes[1:]]
    np.testing.assert_allclose(np.diff(ends[:-1]), 0.05, atol=1e-5)
    assert ends[-1] - ends[-2] > 0.049, "the frame itself is of the present"
    n_before = len(listener.frames)
    player.seek(5)
    wait_for(lambda: listener.indices[-1:] == [5])
    assert listener.indices[n_before:] == list(range(6))
    assert listener.n_streams == 2
    assert sum("TR.Role" in envelope.metadata for envelope in listener.envelopes) == 2


def test_looping_begins_a_new_stream_each_time_and_can_be_switched_off(listener, play_to):
    player = play_to(images(4), listener.server.port, rate_fps=100.0, is_looping=True)
    player.play()
    wait_for(lambda: len(listener.frames) >= 10)
    player.set_looping(False)
    reach(player, PlayerState.FINISHED)
    assert listener.indices == [k % 4 for k in range(len(listener.frames))]
    assert listener.n_streams == len(listener.frames) // 4


def test_the_rate_changes_while_a_frame_waits(listener, play_to):
    player = play_to(images(6), listener.server.port, rate_fps=0.05)
    player.play()
    reach(player, PlayerState.PLAYING)
    player.set_rate(50.0)
    reach(player, PlayerState.FINISHED)
    assert player.status.rate_fps == 50.0
    player.set_rate(None)
    assert player.status.rate_fps == pytest.approx(20.0)


def test_a_played_series_plays_again_from_the_beginning(listener, play_to):
    player = play_to(images(5), listener.server.port, rate_fps=100.0)
    player.play()
    reach(player, PlayerState.FINISHED)
    player.play()
    wait_for(lambda: len(listener.frames) == 10)
    reach(player, PlayerState.FINISHED)
    assert listener.indices == [*range(5), *range(5)]
    assert listener.n_streams == 2


def test_without_an_engine_it_fails_saying_so_and_plays_once_there_is_one(play_to):
    with Listener() as gone:
        port = gone.server.port
    player = play_to(images(5), port, rate_fps=100.0)
    player.play()
    assert f"127.0.0.1:{port}" in reach(player, PlayerState.FAILED).reason
    server = IgtlServer(port=port)
    server.start()
    try:
        player.play()
        reach(player, PlayerState.FINISHED)
        assert player.status.reason == ""
    finally:
        server.stop()


@pytest.mark.parametrize("is_playing", [True, False])
def test_an_engine_that_goes_is_noticed_at_once_playing_or_paused(play_to, is_playing):
    with Listener() as listener:
        player = play_to(images(400), listener.server.port, rate_fps=20.0)
        player.play()
        wait_for(lambda: len(listener.frames) >= 2)
        if not is_playing:
            player.pause()
            reach(player, PlayerState.PAUSED)
    begin = time.monotonic()
    status = reach(player, PlayerState.FAILED)
    assert time.monotonic() - begin < 1.0
    assert "gone" in status.reason


class WithBadFrame(FrameList):
    """Images of which one cannot be read."""

    def __init__(self, bad):
        super().__init__("case", list(images(8)), 0.05)
        self._bad = bad

    def frame(self, index):
        if index == self._bad:
            raise InputError(f"NaN or infinite pixels in frame {index}")
        return super().frame(index)


def test_a_bad_frame_stops_the_player_with_its_number_and_play_goes_on_behind_it(listener, play_to):
    player = play_to(WithBadFrame(3), listener.server.port, rate_fps=100.0)
    player.play()
    status = reach(player, PlayerState.FAILED)
    assert "frame 4 " in status.reason and "NaN" in status.reason
    assert status.reason.startswith("frame 4 of 8 (index 3) cannot be played: ")
    player.play()
    reach(player, PlayerState.FINISHED)
    assert listener.indices == [0, 1, 2, 4, 5, 6, 7]
    assert listener.n_streams == 2, "a frame left out must not be counted as lost"


def test_a_defect_in_a_reader_is_told_and_no_thread_dies_silently(listener, play_to):
    def broken():
        raise RuntimeError("disk on fire")

    player = play_to(broken, listener.server.port)
    player.play()
    assert "disk on fire" in reach(player, PlayerState.FAILED).reason


@pytest.mark.parametrize("command", ["play", "pause"])
def test_closing_ends_thread_and_connection_within_a_second(listener, play_to, command):
    player = play_to(images(400), listener.server.port)
    player.play()
    wait_for(lambda: listener.frames)
    getattr(player, command)()
    begin = time.monotonic()
    player.close()
    assert time.monotonic() - begin < 1.0
    assert not any(thread.name == "series-player" for thread in threading.enumerate())
    wait_for(lambda: listener.server.counters.clients == 0)
    player.play()
    assert player.status.state is PlayerState.STOPPED


@pytest.mark.parametrize("slices_as_time", [True, False])
def test_slices_played_as_time_are_one_series_for_an_engine_that_is_told_so(play_to, slices_as_time):
    volume = ImageFrame(np.concatenate([picture(k) for k in range(8)]), GEOMETRY, stream_id="volume")
    processor = ReconstructionProcessor("sliding-window", "cpu")
    with serving(processor, ServeOptions(port=0, slices_as_time=slices_as_time)) as (server, engine):
        series = undersample(SlicesAsTime(volume, "volume"), 4.0, "golden")
        player = play_to(series, server.port, rate_fps=100.0)
        player.play()
        reach(player, PlayerState.FINISHED)
        assert engine.wait_until_done(PATIENCE_S)
        assert processor.counters.restarts == (0 if slices_as_time else 7)


def test_after_a_jump_the_real_engine_shows_what_it_would_have_shown_in_passing_and_counts_nothing_lost(play_to):
    series, planning = kspace(40), images(1).frame(0)
    method = make_reconstructor("sliding-window", "cpu", None)
    in_passing = list(reconstruct_series(OpenedSeries(series, planning, follow_geometry=True), method))
    processor = ReconstructionProcessor("sliding-window", "cpu")
    with serving(processor, ServeOptions(port=0)) as (server, engine), IgtlClient(port=server.port) as slicer:
        shown = {}

        def shows(index):
            envelope = slicer.receive(0.01)
            if envelope is not None and envelope.device_name == "RECON":
                shown[int(envelope.metadata["TR.FrameIndex"])] = envelope.message.data
            return index in shown

        player = play_to(series, server.port, planning=planning, rate_fps=60.0)
        player.play()
        wait_for(lambda: shows(8))
        player.pause()
        reach(player, PlayerState.PAUSED)
        for index in (35, 20, 21, 3):
            shown.clear()
            player.seek(index)
            wait_for(lambda index=index: shows(index))
            expected = in_passing[index].data
            np.testing.assert_allclose(shown[index], expected, rtol=1e-4, atol=1e-5 * expected.max())
        player.set_looping(True)
        player.seek(38)
        player.play()
        wait_for(lambda: shows(2))
        counters, health = processor.counters, engine.health
        assert (counters.missing, counters.repeated, counters.stepped_back) == (0, 0, 0)
        assert (health.rejected, health.foreign) == (0, 0)
