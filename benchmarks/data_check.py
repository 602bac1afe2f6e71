"""Where the README's figures on checking data come from: time and memory of `ftarena check`.

    python benchmarks/data_check.py all                        # every check that needs no model
    python benchmarks/data_check.py tokens --model FOLDER      # … and what is trained, with a tokenizer
    python benchmarks/data_check.py repeats                    # a million rows, each there twice

100,000 examples of about 300 tokens, the same on every machine: sentences put together from a small English
vocabulary, with a few repeats and near copies among them, and 500 held-out questions. Every command prints
one JSON line. Wall time means something only on a quiet machine; `cpu_s` is what all processes used together.
"""

import argparse
import json
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from ftarena.curation.check import CheckReport, check_sources
from ftarena.curation.check.run import default_processes
from ftarena.curation.sources import source_of
from ftarena.curation.tokens.checking import TokenSpec

_NOUNS = """river engineer market theory garden window teacher budget signal kitchen island library machine
village contract forest painter station harvest algorithm battery bridge captain cathedral chemist climate
compiler compass concert council currency database desert diary dictionary doctor election engine experiment
factory farmer festival fiction galaxy glacier grammar guitar harbour hospital hypothesis insect journey
judge kernel ladder language lawyer lecture lens letter magnet manuscript melody memory merchant microscope
mineral mirror molecule monument mountain museum network notebook novel ocean orchestra oxygen paragraph
parliament patient pattern pipeline planet poet pottery printer prisoner protein province railway recipe
refugee reservoir rhythm satellite scholar sculpture server shepherd skeleton soldier statue storm surgeon
telescope temple theatre thermometer treaty tunnel university vaccine valley vessel violin volcano warehouse
weather workshop"""
_VERBS = """measures explains describes carries repairs changes follows replaces crosses protects questions
supports connects compares examines improves delays divides collects reflects confuses surprises inspires
reaches limits reveals records surrounds transforms observes rejects resembles restores threatens"""
_ADJECTIVES = """ancient bitter bright broken careful cheap clever coastal cold common curious dense distant
dry early empty famous fragile frozen gentle heavy hidden hollow honest humid icy large late light local
lonely loud modern narrow noisy northern patient plain polite proud quick quiet rare recent rural sharp
shallow silent slow small solid southern steep stubborn sudden tall thin tiny urban vast warm wide young"""
_PLACES = """in the morning; near the border; after the war; during the winter; without any warning; for two
years; at the end of the street; before the meeting; under the old roof; across the valley; in most cases;
by accident; once a week; along the coast; between two rivers; for the first time; in spite of the rain;
since last spring"""
_QUESTIONS = """Why does the {a} {n} matter when the {m} {v} the {o}?; Write about a {a} {n} that {v} a {b}
{m}.; Explain to a child how the {n} {v} the {a} {m}.; What happens if a {b} {o} {v} the {n} {p}?;
Compare the {a} {n} with the {b} {m}, {p}.; Summarise the story of the {a} {o} and the {n}."""
_SENTENCES = """The {a} {n} {v} the {m} {p}.; A {n} rarely {v} what the {b} {m} needs, and the {o} shows it.;
{p}, the {n} of the {a} {m} {v} every {o}.; Nobody knows whether the {b} {o} {v} the {n}.;
It is the {n}, not the {m}, that {v} the {a} {o} {p}.; Some {a} {o} {v} the {n}; others wait for the {b} {m}.;
When the {m} {v} the {n}, the {a} {o} becomes {b}."""


class Writer:
    """Writes sentences that look real enough for every check to work as hard as on real ones.

    Args:
        seed: Of the random choices.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._words = {
            "n": _NOUNS.split(),
            "m": _NOUNS.split(),
            "o": _NOUNS.split(),
            "v": _VERBS.split(),
            "a": _ADJECTIVES.split(),
            "b": _ADJECTIVES.split(),
            "p": [" ".join(place.split()) for place in _PLACES.split(";")],
        }
        self._questions = [" ".join(line.split()) for line in _QUESTIONS.split(";")]
        # The semicolon inside a sentence is written as a dash.
        self._sentences = [
            " ".join(line.split()) for line in _SENTENCES.replace("{n}; others", "{n} – others").split(";")
        ]

    def _fill(self, form: str) -> str:
        text = form.format_map({key: self._chance.choice(words) for key, words in self._words.items()})
        return text[0].upper() + text[1:]

    def question(self) -> str:
        """Return something to ask, with a sentence or two of context."""
        context = " ".join(self._fill(self._chance.choice(self._sentences)) for _ in range(2))
        return f"{context} {self._fill(self._chance.choice(self._questions))}"

    def answer(self, sentences: int) -> str:
        """Return some sentences in two paragraphs."""
        said = [self._fill(self._chance.choice(self._sentences)) for _ in range(sentences)]
        return " ".join(said[: sentences // 2]) + "\n\n" + " ".join(said[sentences // 2 :])

    def row(self) -> dict[str, object]:
        """Return a conversation of about 300 tokens."""
        return {
            "messages": [
                {"role": "user", "content": self.question()},
                {"role": "assistant", "content": self.answer(self._chance.randint(12, 20))},
            ]
        }


def rows(count: int, seed: int = 1) -> Iterator[dict[str, object]]:
    """Yield examples; one in 500 is there before, and one in 500 is there but for a word."""
    writer, chance = Writer(seed), random.Random(seed)
    kept: list[dict[str, object]] = []
    for number in range(count):
        if kept and number % 500 == 250:
            yield chance.choice(kept)
        elif kept and number % 500 == 400:
            text = json.dumps(chance.choice(kept))
            yield json.loads(text.replace(" the ", " this ", 1))
        else:
            row = writer.row()
            if number % 100 == 0:
                kept.append(row)
            yield row


def write(path: Path, made: Iterator[dict[str, object]]) -> Path:
    """Write rows as JSON lines."""
    with path.open("w") as file:
        for row in made:
            file.write(json.dumps(row) + "\n")
    return path


class PeakMemory:
    """The most memory that this process and its children had together, looked at every 50 ms."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watcher.join()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.05):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak_bytes = max(self.peak_bytes, total)


def cpu_s() -> float:
    """Return the processor seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(
    name: str, train: Path, heldout: Path | None, tokens: TokenSpec | None, processes: int | None
) -> CheckReport:
    """Check files and print what it took."""
    held = [source_of(heldout)] if heldout else []
    before, started = cpu_s(), time.monotonic()
    with PeakMemory() as memory:
        report = check_sources([source_of(train)], held, tokens=tokens, processes=processes)
    wall_s, used_s = time.monotonic() - started, cpu_s() - before
    told = {
        "benchmark": name,
        "examples": report.examples,
        "megabytes": round(train.stat().st_size / 1e6, 1),
        "processes": processes or default_processes(),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(used_s, 1),
        "examples_per_s": round(report.examples / wall_s),
        "megabytes_per_s": round(train.stat().st_size / 1e6 / wall_s, 1),
        "peak_megabytes": round(memory.peak_bytes / 1e6),
        "counts": dict(report.counts),
    }
    if tokens:
        told["tokens_median"] = report.stats["tokens"]["length"]["p50"]
    print(json.dumps(told), flush=True)
    return report


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("benchmark", choices=["all", "tokens", "repeats"])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--processes", type=int, help="default: one for each processor")
    parser.add_argument("--model", type=Path, help="folder of a model, for its tokenizer")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.benchmark == "repeats":
            count = max(arguments.examples, 1_000_000) // 2
            short = ({"prompt": f"What is {n} plus {n}?", "completion": str(2 * n)} for n in range(count))
            train = write(Path(folder) / "train.jsonl", short)
            with train.open("ab") as file:
                file.write(train.read_bytes())
            report = measure("repeats", train, None, None, arguments.processes)
            assert report.counts["duplicate"] == count
            return
        train = write(Path(folder) / "train.jsonl", rows(arguments.examples))
        writer = Writer(2)
        questions = ({"prompt": writer.question(), "reference": writer.answer(4)} for _ in range(500))
        heldout = write(Path(folder) / "heldout.jsonl", questions)
        tokens = None
        if arguments.benchmark == "tokens":
            if arguments.model is None:
                parser.error("tokens needs --model")
            tokens = TokenSpec(arguments.model, arguments.model.name, 1024)
        measure(arguments.benchmark, train, heldout, tokens, arguments.processes)


if __name__ == "__main__":
    main()
