"""The process that keeps one vLLM: `python -m ftarena.serving.supervisor ENGINE_FOLDER`.

Detached from every terminal, it starts vLLM from `engine.json`, follows its log, asks it a first question and
only then calls it ready, since the first answer after a start can take 20 s. It stays until it is asked to
end (SIGTERM) or vLLM ends, and takes everything along: processes, sockets, shared memory. If it is killed
itself, the kernel ends vLLM, and the next start clears away what is left.

It does not know contestants or front ends, and answers no requests: those go to vLLM's own socket.
"""

import asyncio
import ctypes
import os
import signal
import sys
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ftarena.errors import FtarenaError
from ftarena.hardware import core_list, gpus, memory
from ftarena.processes import ProcessIdentity, read_json, tail, write_json
from ftarena.serving import launch, progress, remains
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import BASE_NAME, Message, Sampling
from ftarena.serving.protocol import EngineGone, RequestRefused
from ftarena.serving.status import EngineFolder, EngineState, identity
from ftarena.workspace import runtime_dir

POLL_S = 0.25
SEGMENTS_EVERY_S = 15.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Supervisor:
    """Keeps the vLLM of one engine folder.

    Args:
        folder: The engine's files; `engine.json` is there.
    """

    def __init__(self, folder: EngineFolder) -> None:
        self._folder = folder
        self._spec = launch.EngineSpec.load(read_json(folder.spec))
        self._runtime = runtime_dir(str(folder.root))
        self._socket = self._runtime / "s.sock"
        self._started = time.time()
        self._began: dict[str, float] = {}
        self._segments: set[str] = set()
        self._record: dict[str, Any] = {
            "supervisor": asdict(ProcessIdentity.current()),
            "started_at": self._started,
            "runtime": str(self._runtime),
            "segments": [],
        }

    async def run(self) -> EngineState:
        """Keep vLLM until it ends or this process is asked to; return how it ended."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._enter(progress.PHASES[0].key)
        process, server = await self._spawn()
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(stop.wait())
        keeping = asyncio.create_task(self._bring_up_and_watch(server))
        try:
            await asyncio.wait({ended, asked, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if keeping.done() and isinstance(keeping.exception(), EngineGone):
                # The connection breaks before the end behind it is seen.
                await asyncio.wait({ended}, timeout=5)
            if asked.done():
                state, reason = EngineState.STOPPED, progress.Reason("stopped", "")
            elif ended.done():
                state, reason = EngineState.FAILED, self._why(ended.result())
            else:
                state, reason = EngineState.FAILED, _refused(keeping)
            self._end(state, reason)
        finally:
            keeping.cancel()
            self._segments |= await asyncio.to_thread(remains.end_family, server)
            await ended
            remains.clear(self._runtime, self._segments)
        asked.cancel()
        self._write(segments=[])
        return state

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, ProcessIdentity]:
        if not launch.installed():
            raise FtarenaError("vLLM is not installed in this environment", "install it: make setup")
        cards = gpus()
        if not cards:
            launch.check_memory(self._spec, memory().available)
        argv = launch.command(self._spec, self._socket, cards)
        env = launch.environment(self._spec, cards, core_list(), self._runtime)
        with self._folder.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **env},
                cwd=self._runtime,  # so that a stray file of a library lands where it is swept
                start_new_session=True,  # its session is how its whole family is found again
                preexec_fn=_die_with_parent,
            )
        server = ProcessIdentity.of(process.pid)
        self._write(server=asdict(server), device="cuda" if cards else "cpu")
        return process, server

    async def _bring_up_and_watch(self, server: ProcessIdentity) -> None:
        await self._until_healthy()
        self._enter("warmup")
        await self._warm_up()
        await self._note_segments(server)  # before anyone can rely on it, so that a hard end leaves nothing
        took = time.time() - self._started
        write_json(self._folder.timings, {**self._began, progress.READY: round(took, 1)})
        self._write(state=EngineState.READY, message="ready", ready_at=time.time(), socket=str(self._socket))
        while True:
            await asyncio.sleep(SEGMENTS_EVERY_S)
            await self._note_segments(server)

    async def _note_segments(self, server: ProcessIdentity) -> None:
        """Keep on disk which shared segments are vLLM's, for whoever has to clear up after a hard end."""
        segments = await asyncio.to_thread(lambda: remains.shared_segments(remains.family(server)))
        if not segments <= self._segments:
            self._segments |= segments
            self._write(segments=sorted(self._segments))

    async def _until_healthy(self) -> None:
        phase, offset = progress.PHASES[0].key, 0
        while True:
            lines, offset = _new_lines(self._folder.log, offset)
            reached = progress.phase_in(lines, phase)
            if reached != phase:
                phase = reached
                self._enter(phase)
            # vLLM binds its socket at once and listens when it can answer; until then it refuses.
            if self._socket.exists():
                try:
                    async with EngineClient(socket=self._socket, read_timeout_s=10) as client:
                        await client.models()
                        return
                except EngineGone:
                    pass
            await asyncio.sleep(POLL_S)

    async def _warm_up(self) -> None:
        async with EngineClient(socket=self._socket) as client:
            try:
                hello = [Message(role="user", content="Say hello.")]
                await client.complete(BASE_NAME, hello, Sampling(temperature=0.0, max_tokens=8))
            except RequestRefused as error:
                if error.status >= 500:
                    raise
                # A base model without a chat template cannot chat, but it can be scored.
            await client.prompt_logprobs(BASE_NAME, "Hello, world")

    def _end(self, state: EngineState, reason: progress.Reason) -> None:
        self._record.pop("socket", None)
        self._write(state=state, message=reason.message, hint=reason.hint, ended_at=time.time())

    def _enter(self, phase: str) -> None:
        now = time.time()
        self._began[phase] = round(now - self._started, 1)
        self._write(state=EngineState.STARTING, phase=phase, phase_began=now, message=progress.words(phase))

    def _write(self, **changes: Any) -> None:
        self._record |= changes
        write_json(self._folder.record, self._record)

    def _why(self, exit_code: int) -> progress.Reason:
        return progress.reason_in(tail(self._folder.log, 400), exit_code)


def main(argv: list[str]) -> int:
    """Run the supervisor of the folder in `argv`; return 0 if it was asked to end, else 1."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    folder = EngineFolder(Path(argv[0]).absolute())
    try:
        state = asyncio.run(Supervisor(folder).run())
    except FtarenaError as error:
        _fail(folder, error.message, error.hint)
        return 1
    except Exception as error:  # noqa: BLE001  # the last line of defence: the reason must reach the status
        traceback.print_exc()
        _fail(folder, f"the engine's supervisor failed: {error}", "see all of it: ftarena engine logs")
        return 1
    return 0 if state is EngineState.STOPPED else 1


def _fail(folder: EngineFolder, message: str, hint: str) -> None:
    record = read_json(folder.record)
    ours = asdict(ProcessIdentity.current())
    if identity(record.get("supervisor")) != ProcessIdentity.current():
        record = {"supervisor": ours, "started_at": time.time()}
    write_json(folder.record, {**record, "state": EngineState.FAILED, "message": message, "hint": hint})


def _refused(task: "asyncio.Task[None]") -> progress.Reason:
    """Return why a vLLM that is up cannot be used: its first answer was an error."""
    error = task.exception()
    if isinstance(error, EngineGone):
        return progress.Reason("vLLM broke off its first answer")
    if isinstance(error, FtarenaError):
        return progress.Reason(f"vLLM is up but does not answer: {error.message}")
    if error is not None:
        raise error
    return progress.Reason("vLLM is up but was left alone")


def _new_lines(log: Path, offset: int) -> tuple[list[str], int]:
    """Return the whole lines after `offset` and where the next ones will begin."""
    with log.open("rb") as file:
        file.seek(offset)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    return whole.decode("utf-8", errors="replace").splitlines(), offset + len(whole)


def _die_with_parent() -> None:
    """Ask the kernel (Linux) to end vLLM if the supervisor is killed; runs in the child before vLLM."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
