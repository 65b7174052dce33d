"""What waits for the worker keeps its order and is bounded."""

import threading
import time

from engine_frames import still_frame
from TemporalReconLib.engine.work_queue import Work, WorkQueue


def in_thread(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def test_work_comes_out_in_the_order_in_which_it_went_in():
    queue = WorkQueue()
    for index in range(5):
        queue.put(Work("frame", still_frame(index)))
    queue.put(Work("reset"))
    taken = queue.take_all(timeout_s=0.0)
    assert [work.content.index for work in taken[:-1]] == [0, 1, 2, 3, 4]
    assert taken[-1].kind == "reset"
    assert queue.take_all(timeout_s=0.0) == []


def test_a_full_queue_makes_the_sender_wait_and_loses_nothing():
    frame = still_frame(0)
    queue = WorkQueue(max_bytes=2 * frame.data.nbytes)
    for index in range(2):
        queue.put(Work("frame", still_frame(index)))
    third = in_thread(queue.put, Work("frame", still_frame(2)))
    third.join(0.2)
    assert third.is_alive()
    assert [work.content.index for work in queue.take_all(timeout_s=0.0)] == [0, 1]
    third.join(5.0)
    assert not third.is_alive()
    assert [work.content.index for work in queue.take_all(timeout_s=0.0)] == [2]


def test_a_frame_larger_than_the_queue_passes_when_nothing_else_waits():
    queue = WorkQueue(max_bytes=1)
    queue.put(Work("frame", still_frame(0)))
    assert len(queue.take_all(timeout_s=0.0)) == 1


def test_an_idle_worker_wakes_as_soon_as_work_comes():
    queue = WorkQueue()
    taken = []
    worker = in_thread(lambda: taken.extend(queue.take_all(timeout_s=20.0)))
    time.sleep(0.05)
    queue.put(Work("reset"))
    worker.join(5.0)
    assert [work.kind for work in taken] == ["reset"]


def test_closing_lets_everyone_go_on():
    frame = still_frame(0)
    queue = WorkQueue(max_bytes=frame.data.nbytes)
    queue.put(Work("frame", frame))
    waiting = in_thread(queue.put, Work("frame", still_frame(1)))
    queue.close()
    waiting.join(5.0)
    assert not waiting.is_alive()
    assert queue.take_all(timeout_s=0.0) == []
