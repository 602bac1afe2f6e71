"""Chunks shared out to processes, results in the order of the chunks, only a few of either in memory.

Small data are examined where they are: starting processes takes longer than reading two thousand rows.
"""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from ftarena.curation.check.examining import ChunkResult, Examiner, Setup, Task
from ftarena.errors import FtarenaError

SMALL_ROWS = 2_000
SMALL_BYTES = 4 << 20
_AHEAD = 3
"""Chunks in flight for each process: one being examined, one waiting, one being sent back."""


def examined(tasks: Iterator[Task], setup: Setup, processes: int) -> Iterator[ChunkResult]:
    """Yield what each chunk holds, in the order of the chunks.

    Args:
        tasks: The chunks; taken only as fast as they are examined.
        setup: What every process needs.
        processes: How many to use. One: this one.

    Raises:
        FtarenaError: A process was ended from outside.
    """
    first: list[Task] = []
    rows = size = 0
    for task in tasks:
        first.append(task)
        rows += len(task.chunk.rows) + task.chunk.lines.count(b"\n")
        size += len(task.chunk.lines)
        if processes > 1 and (rows > SMALL_ROWS or size > SMALL_BYTES):
            break
        if processes == 1:
            break
    else:
        processes = 1
    if processes == 1:
        examiner = Examiner(setup)
        for task in _chained(first, tasks):
            yield examiner.examine(task)
        return
    yield from _shared(_chained(first, tasks), setup, processes)


def _chained(first: list[Task], rest: Iterator[Task]) -> Iterator[Task]:
    while first:
        yield first.pop(0)
    yield from rest


def _shared(tasks: Iterator[Task], setup: Setup, processes: int) -> Iterator[ChunkResult]:
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A process that we have just begun runs the script that called us, to know its classes, and comes by
        # here again (`multiprocessing.spawn` asks the same). The one that began it says what is wrong.
        raise SystemExit(1)
    with tempfile.TemporaryDirectory(prefix="ftarena-") as folder:
        # Not by `initargs`: Python writes those into a pipe, and waits for ever where the reader is gone.
        shared = Path(folder) / "setup"
        shared.write_bytes(pickle.dumps(setup, protocol=pickle.HIGHEST_PROTOCOL))
        yield from _results(tasks, shared, processes)


def _results(tasks: Iterator[Task], setup: Path, processes: int) -> Iterator[ChunkResult]:
    # Spawned, not forked: a front end has threads, and a forked thread's lock stays locked for ever.
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(str(setup),)
    )
    waiting: deque[Future[ChunkResult]] = deque()
    try:
        # Before there are chunks on the way, which nobody would take (Python 3.11 hangs then).
        started = [pool.submit(_started) for _ in range(processes)]
        try:
            for one in started:
                one.result()
        except BrokenProcessPool as error:
            raise FtarenaError(
                "a process of the check ended while it was starting",
                'in a script of your own, call the check below: if __name__ == "__main__": '
                "- or use one process: processes=1",
            ) from error
        for task in tasks:
            waiting.append(pool.submit(_examine, task))
            if len(waiting) >= processes * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise FtarenaError(
            "a process of the check was ended from outside, most likely because memory ran out",
            "end other programs, or check with fewer processes: --processes 1",
        ) from error
    finally:
        # What is being examined is finished (less than a second); what waits is dropped.
        pool.shutdown(cancel_futures=True)


_examiner: Examiner | None = None


def _started() -> None:
    """Be there: a process can be begun, and knows its setup."""


def _begin(setup: str) -> None:
    """Prepare a process.

    Args:
        setup: The file that holds a pickled `Setup`.
    """
    global _examiner
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl+c is for the parent, which then ends this process
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the processes are the parallelism
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Our own parent wrote it a moment ago, into a folder that is nobody else's.
    _examiner = Examiner(pickle.loads(Path(setup).read_bytes()))


def _end_with_parent() -> None:
    """Wait for the parent's end, however it comes; a killed parent cannot end its processes itself."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _examine(task: Task) -> ChunkResult:
    assert _examiner is not None  # `_begin` ran before
    return _examiner.examine(task)
