"""Replay that needs nobody else's data: the base model answers general prompts itself, before it is trained.

Mixed into the training data, its own answers hold it where it is. They are drawn at temperature 1, as the
model speaks: in expectation they then pull the weights nowhere, and what training does elsewhere costs loss
on them (samples of the base itself nearly remove forgetting, arXiv 2605.26097). What is cut off by the length
limit is left out, since it would teach not to stop.
"""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ftarena import __version__
from ftarena.curation.builtin import REPLAY
from ftarena.curation.examples import Example
from ftarena.curation.reading import DataError, read_examples
from ftarena.curation.resolving import resolve
from ftarena.curation.sets.manifest import manifest_path, sha256_of
from ftarena.errors import FtarenaError
from ftarena.processes import write_json
from ftarena.recipes.data_entries import BUILTIN
from ftarena.serving.contestants import BASE_NAME, Message, Sampling
from ftarena.serving.protocol import Completion, ContextExceeded

PROMPTS = f"{BUILTIN}{REPLAY}"
"""What is answered unless other prompts are named."""

SAMPLING = Sampling(temperature=1.0, top_p=1.0, max_tokens=512)
"""The model's own distribution, whole. At 128 tokens 18 of 24 answers of a 135M model were cut."""

CONCURRENCY = 16
MOST_ASKED = 2
"""So many times the answers that are wanted are asked for at most: a model that never stops gives none."""

Progress = Callable[[int, int], None]
"""Told how many answers there are, of how many that are wanted."""


class Answering(Protocol):
    """What is needed of a client: `EngineClient` has it."""

    async def complete(self, model: str, messages: Sequence[Message], sampling: Sampling) -> Completion:
        """Return a whole answer."""


@dataclass(frozen=True)
class Order:
    """What is to be drawn. Equal orders give equal rows on the same engine."""

    model: str
    """The base model as a recipe names it."""

    prompts: Path
    """The file of prompts."""

    count: int
    """Rows wanted."""

    sampling: Sampling = SAMPLING
    seed: int = 42
    """Decides the order of the prompts and, with the answer's number, how each is drawn."""

    @property
    def key(self) -> str:
        """Hash of all of it, the prompts by their content."""
        said = [self.model, sha256_of(self.prompts), self.count, self.sampling.model_dump(), self.seed]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Drawn:
    """What came of an order."""

    path: Path
    rows: int
    cut: int
    """Answers left out because they ran into the length limit."""

    empty: int
    """Answers left out because nothing was said, or question and answer did not fit into the engine."""


def prompts_file(spec: str) -> Path:
    """Return the file that the name of a set of prompts means.

    Raises:
        FtarenaError: It is no file, or several.
    """
    sources = resolve(spec or PROMPTS)
    if len(sources) != 1:
        raise FtarenaError(f"{spec} holds {len(sources)} files", "name one file of prompts")
    return sources[0].path


def load_prompts(path: Path) -> list[tuple[Message, ...]]:
    """Return the prompts of a file of any shape, each once: of an example everything before its answer.

    Raises:
        FtarenaError: The file cannot be read, or no row has a prompt that an engine can be asked.
    """
    reading = read_examples(path)
    if reading.problems:
        raise DataError(list(reading.problems))
    prompts = dict.fromkeys(_messages(example) for example in reading.examples)
    found = [prompt for prompt in prompts if prompt]
    if not found:
        raise FtarenaError(f"{path} holds no prompt to answer", 'a line looks like {"prompt": "a question"}')
    return found


async def draw(client: Answering, order: Order, out: Path, on_progress: Progress | None = None) -> Drawn:
    """Let the base answer prompts and write its answers as rows of `messages`, with a manifest beside them.

    What was answered is kept in a hidden file beside `out` until all is there: interrupted and repeated, the
    same order goes on where it was.

    Args:
        client: Of the engine of the base.
        order: What to draw.
        out: The JSONL file to write; it appears whole or not at all.
        on_progress: Told after each answer.

    Raises:
        FtarenaError: The prompts cannot be read, the engine is gone, or no answer could be kept.
    """
    prompts = load_prompts(order.prompts)
    with _Draft(out.with_name(f".{out.name}.part"), order.key) as draft:
        asked = order.count
        while True:
            todo = [number for number in range(asked) if number not in draft.answers]
            await _ask(client, prompts, order, todo, draft, on_progress)
            missing = order.count - draft.kept
            if missing <= 0 or asked >= MOST_ASKED * order.count:
                break
            asked = min(asked + missing, MOST_ASKED * order.count)
        if not draft.kept:
            raise FtarenaError(
                f"none of {asked} answers of {order.model} could be kept: "
                f"{draft.lost['cut']} ran into the limit of {order.sampling.max_tokens} tokens",
                "allow longer answers: ftarena data replay --max-tokens 1024",
            )
        rows = [draft.answers[number] for number in sorted(draft.answers) if draft.answers[number]]
        rows = rows[: order.count]
        drawn = Drawn(out, len(rows), draft.lost["cut"], draft.lost["empty"])
        _write(out, [{"messages": row} for row in rows], order, drawn)
        draft.discard()
    return drawn


async def _ask(
    client: Answering,
    prompts: Sequence[tuple[Message, ...]],
    order: Order,
    numbers: Sequence[int],
    draft: "_Draft",
    on_progress: Progress | None,
) -> None:
    gate = asyncio.Semaphore(CONCURRENCY)

    async def ask(number: int) -> None:
        prompt = prompts[_which(number, len(prompts), order.seed)]
        sampling = order.sampling.model_copy(update={"seed": order.seed + number})
        async with gate:
            try:
                answer = await client.complete(BASE_NAME, prompt, sampling)
            except ContextExceeded:
                draft.lose(number, "empty")
                return
        if answer.finish_reason == "length":
            draft.lose(number, "cut")
        elif not answer.text.strip():
            draft.lose(number, "empty")
        else:
            said = [message.model_dump() for message in prompt]
            draft.keep(number, [*said, {"role": "assistant", "content": answer.text}])
        if on_progress is not None:
            on_progress(min(draft.kept, order.count), order.count)

    tasks = [asyncio.create_task(ask(number)) for number in numbers]
    try:
        await asyncio.gather(*tasks)
    finally:  # on the first error, or when the caller gives up, the others must not go on
        for task in tasks:
            task.cancel()


def _which(number: int, prompts: int, seed: int) -> int:
    """Return the prompt of an answer: all in some order, then all in another one."""
    lap, place = divmod(number, prompts)
    return random.Random(f"{seed}/{lap}").sample(range(prompts), prompts)[place]


class _Draft:
    """The answers so far, one JSON line each; the first line says for which order."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self.answers: dict[int, list[dict[str, str]]] = {}
        """By number; empty for an answer that was left out."""

        self.lost: Counter[str] = Counter()
        lines = _lines(path)
        known = bool(lines) and lines[0].get("order") == key
        for line in lines[1:] if known else ():
            self._take(line)
        self._file = path.open("a" if known else "w", encoding="utf-8")
        if known:
            self._file.write("\n")  # behind a line that the interruption may have torn
        else:
            self._write({"order": key})

    def __enter__(self) -> "_Draft":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def kept(self) -> int:
        """How many answers can be used."""
        return sum(map(bool, self.answers.values()))

    def keep(self, number: int, messages: list[dict[str, str]]) -> None:
        """Note an answer that can be used."""
        self._note({"number": number, "messages": messages})

    def lose(self, number: int, why: str) -> None:
        """Note an answer that is left out."""
        self._note({"number": number, "lost": why})

    def discard(self) -> None:
        """Remove the draft: what it was for is there."""
        self._path.unlink(missing_ok=True)

    def _note(self, line: dict[str, Any]) -> None:
        self._take(line)
        self._write(line)

    def _take(self, line: dict[str, Any]) -> None:
        number = line.get("number")
        if isinstance(number, int) and number not in self.answers:
            self.answers[number] = line.get("messages") or []
            self.lost.update([line["lost"]] if "lost" in line else [])

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a draft; one that an interruption has torn is not among them."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in text.split("\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [line for line in found if isinstance(line, dict)]


def _messages(example: Example) -> tuple[Message, ...]:
    if example.tools or any(turn.role == "tool" or turn.tool_calls for turn in example.prompt):
        return ()
    return tuple(
        Message.model_validate({"role": turn.role, "content": turn.content}) for turn in example.prompt
    )


def _write(out: Path, rows: Sequence[dict[str, Any]], order: Order, drawn: Drawn) -> None:
    aside = out.with_name(f".{out.name}.half")
    aside.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    write_json(
        manifest_path(out),
        {
            "ftarena": __version__,
            "output": {"path": out.name, "sha256": sha256_of(aside), "rows": drawn.rows},
            "answered_by": order.model,
            "prompts": {"path": str(order.prompts), "sha256": sha256_of(order.prompts)},
            "sampling": order.sampling.model_dump(exclude_none=True),
            "seed": order.seed,
            "left_out": {"cut": drawn.cut, "empty": drawn.empty},
        },
    )
    aside.replace(out)
