"""The demo without a terminal: what was learned and what was forgotten, measured, examined and printed.

Losses are asked from the engine, the same questions for base, SFT and DPO; the answers shown are greedy, so
that a second report says the same. What was measured is kept in the workspace and measured once.
"""

import asyncio
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict

from ftarena.errors import FtarenaError
from ftarena.evaluation.exam import examine
from ftarena.evaluation.examples import Example, load_examples
from ftarena.evaluation.forgetting import paired_difference, verdict
from ftarena.evaluation.loss import LossReport, heldout_loss
from ftarena.plain.demo import DATA, Demo
from ftarena.plain.exam import guard_lines
from ftarena.plain.progress import Stage, Stages
from ftarena.processes import read_json, write_json
from ftarena.serving.client import EngineClient
from ftarena.serving.contestants import BASE_NAME, Message, Sampling
from ftarena.serving.engine import Engine
from ftarena.text import clean_text, duration, shorten
from ftarena.training.guards import Guard, read_guards
from ftarena.training.jobs import Run

FILE = "demo-report.json"
SHOWN_PROMPTS = 6
_GREEDY = Sampling(temperature=0.0, max_tokens=96)


class Losses(BaseModel):
    """A loss report as it is kept on disk."""

    model_config = ConfigDict(frozen=True)

    mean_loss: float
    n_tokens: int
    n_examples: int
    per_example: tuple[float | None, ...]
    tokens: tuple[int, ...]

    def report(self) -> LossReport:
        """Return it as `evaluation` knows it."""
        return LossReport(self.mean_loss, self.n_tokens, self.n_examples, self.per_example, self.tokens)


class Measured(BaseModel):
    """What was measured of base, SFT and DPO."""

    model_config = ConfigDict(frozen=True)

    models: tuple[tuple[str, str], ...]
    """Name on screen and name at the engine, base first."""

    heldout: dict[str, Losses]
    general: dict[str, Losses]
    answers: tuple[tuple[str, dict[str, str]], ...]
    """Held-out question, and each model's answer to it by name."""


def report_demo(demo: Demo) -> None:
    """Measure and examine what is not yet, and print the report to standard output.

    Raises:
        FtarenaError: The engine went away.
    """
    models = (("base", BASE_NAME), (demo.sft.name, demo.sft.id), (demo.dpo.name, demo.dpo.id))
    path = demo.workspace.root / FILE
    measured = _kept(read_json(path), models)
    if measured is None:
        stages = Stages(
            [Stage("losses", "Held-out and general loss", 90), Stage("shown", "Six answers each", 40)]
        )
        with stages:
            measured = asyncio.run(_measure(demo, models, stages))
        write_json(path, measured.model_dump(mode="json"))
    print(render(measured, demo, [(run, _examined(run, demo)) for run in (demo.sft, demo.dpo)]))


def _examined(run: Run, demo: Demo) -> list[Guard]:
    """Return what is known about a run, after an exam where there was none."""
    if not any(guard.name == "knowledge" and guard.verdict != "unknown" for guard in read_guards(run)):
        with (
            Stages([Stage("exam", f"Exam of {shorten(run.name, 30)}", 120)]) as stages,
            stages.run("exam") as stage,
        ):
            examine(run, demo.workspace, lambda line, part: stage.update(line, fraction=part))
    return read_guards(run)


def _kept(stored: dict[str, Any], models: tuple[tuple[str, str], ...]) -> Measured | None:
    try:
        measured = Measured.model_validate(stored)
    except ValueError:  # none yet, or written by another version
        return None
    return measured if measured.models == models else None


async def _measure(demo: Demo, models: tuple[tuple[str, str], ...], stages: Stages) -> Measured:
    status = Engine(demo.workspace, demo.base).status()
    if status.socket is None:
        raise FtarenaError(f"the engine is {status.state}: {status.message}", "ftarena engine start")
    client = EngineClient(socket=status.socket)
    try:
        sets = {name: load_examples(DATA / f"{name}.jsonl") for name in ("heldout", "general")}
        losses: dict[str, dict[str, Losses]] = {"heldout": {}, "general": {}}
        total = len(models) * sum(map(len, sets.values()))
        with stages.run("losses") as stage:
            before = 0
            for name, served in models:
                for kind, examples in sets.items():

                    def tell(
                        done: int, _: int, name: str = name, kind: str = kind, before: int = before
                    ) -> None:
                        stage.update(f"{name}, {kind}", fraction=(before + done) / total)

                    report = await heldout_loss(client, served, examples, on_progress=tell)
                    losses[kind][name] = Losses.model_validate(asdict(report))
                    before += len(examples)
        with stages.run("shown") as stage:
            answers = await _answers(client, models, sets["heldout"][:SHOWN_PROMPTS], stage)
    finally:
        await client.aclose()
    return Measured(models=models, heldout=losses["heldout"], general=losses["general"], answers=answers)


async def _answers(
    client: EngineClient, models: Sequence[tuple[str, str]], examples: Sequence[Example], stage: Stage
) -> tuple[tuple[str, dict[str, str]], ...]:
    done = 0

    async def ask(served: str, example: Example) -> str:
        nonlocal done
        messages = [Message(role=turn.role, content=turn.content) for turn in example.prompt]
        completion = await client.complete(served, messages, _GREEDY)
        done += 1
        stage.update(
            f"{done} of {len(models) * len(examples)}", fraction=done / (len(models) * len(examples))
        )
        return completion.text

    asked = [
        (name, asyncio.gather(*[ask(served, example) for example in examples])) for name, served in models
    ]
    texts = {name: await answers for name, answers in asked}
    return tuple(
        (example.prompt[-1].content, {name: texts[name][index] for name, _ in models})
        for index, example in enumerate(examples)
    )


def render(measured: Measured, demo: Demo, guards: Sequence[tuple[Run, Sequence[Guard]]]) -> str:
    """Return the report as text, at most 100 columns wide, safe for any terminal."""
    first = measured.models[0][0]
    lines = [
        f"{demo.sft.base_model}: base, {demo.sft.name} (SFT) and {demo.dpo.name} (DPO on top of it)",
        f"runs: {demo.sft.id}, {demo.dpo.id}",
        "",
        f"{'':12} {'held-out loss':24} general-knowledge loss      (nats per answer token)",
    ]
    for name, _ in measured.models:
        held, general = measured.heldout[name], measured.general[name]
        row = [f"{held.mean_loss:.2f}", f"{general.mean_loss:.2f}"]
        if name != first:
            learned = paired_difference(measured.heldout[first].report(), held.report())
            forgot = paired_difference(measured.general[first].report(), general.report())
            row[0] += f" ({learned.delta:+.2f}, {abs(learned.sigmas):.0f} σ)"
            row[1] += f" ({forgot.delta:+.2f}, {abs(forgot.sigmas):.1f} σ: {verdict(forgot)})"
        lines.append(f"{shorten(name, 12):12} {row[0]:24} {row[1]}")
    for run, found in guards:
        lines += ["", f"Guards of {shorten(run.name, 40)}:"]
        lines += [piece for line in guard_lines(found) for piece in _wrap(line, "  ")]
    for question, answers in measured.answers:
        lines += ["", *_wrap(f"Q: {question}", "")]
        for name, answer in answers.items():
            lines.append(f"  {name}:")
            lines += _wrap(answer.strip(), "    ")
    took = {key: seconds for key, seconds in demo.seconds.items() if seconds >= 1}
    if took:
        lines += ["", "It took: " + ", ".join(f"{key} {duration(seconds)}" for key, seconds in took.items())]
    lines += ["", "Now judge blind: .venv/bin/ftarena vote        (and then: .venv/bin/ftarena score)"]
    return "\n".join(lines)


def _wrap(text: str, indent: str) -> list[str]:
    """Return cleaned text in lines of at most 100 columns; the lines of a code block are kept as they are."""
    wrapped: list[str] = []
    for line in clean_text(text).splitlines():
        wrapped += textwrap.wrap(line, 100, initial_indent=indent, subsequent_indent=indent) or [""]
    return wrapped
