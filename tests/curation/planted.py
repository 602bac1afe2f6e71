"""Files with every defect that needs no model, planted once at a known line, and clean files beside them.

    .venv/bin/python tests/curation/planted.py

writes both, checks them, and prints what was found of what was planted, and what was found in the clean ones.
"""

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clean_rows import CleanRows, paragraph

from ftarena.curation.check import CheckReport, check_sources
from ftarena.curation.sources import Source, source_of

NEED_A_MODEL = frozenset(
    (
        *("template", "no-template", "too-long", "answer-cut", "nothing-trained", "no-end", "pad-is-end"),
        *("no-generation-marks", "double-bos", "prompt-not-prefix", "turn-dropped", "answer-rewritten"),
        "new-tokens",
    )
)
"""Codes that only a check with a tokenizer can find: `test_tokens_checking` has a row for each."""

Place = tuple[str, str, int]
"""Code, name of the file, line."""

ENGLISH = (
    "Put the loaf on the lowest shelf of a very hot oven, pour a cup of water on the tray below it, and "
    "leave the door shut for the first twenty minutes, however curious you are about the crust."
)
FRENCH = (
    "La boulangerie du village ouvre tous les matins à six heures, et le pain qui sort du four sent si bon "
    "que les voisins font la queue dans la rue avant même que les volets soient levés."
)
BRIDGE = "Is the bridge at Leeds open?"


@dataclass
class Planted:
    """A folder of files, and what a check must say of them."""

    folder: Path
    train: list[Source] = field(default_factory=list)
    heldout: list[Source] = field(default_factory=list)
    arena_prompts: list[str] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)

    def check(self) -> CheckReport:
        """Return what a check says."""
        return check_sources(self.train, self.heldout, arena_prompts=self.arena_prompts)

    def write(self, name: str, lines: Iterable[bytes | dict[str, Any]], *, heldout: bool = False) -> None:
        """Write a file of rows; bytes are written as they are."""
        path = self.folder / name
        path.write_bytes(b"".join(line if isinstance(line, bytes) else _line(line) for line in lines))
        (self.heldout if heldout else self.train).append(source_of(path))


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _row(question: str, answer: str) -> dict[str, Any]:
    return {"prompt": question, "completion": answer}


def _talk(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def _defective_rows(example: dict[str, Any]) -> list[tuple[str, list[bytes | dict[str, Any]]]]:
    """Return each defect of a row by its code: some rows, of which the last is the defective one."""
    hello = ("user", "How do I greet the mayor of Halifax in the morning?")
    question, answer = example["prompt"], example["completion"]
    words = answer.split()
    words[len(words) // 2] = "suddenly"
    return [
        ("json", [b'{"prompt": "What is half of eleven?", "completion": }\n']),
        ("encoding", ['{"prompt": "Who is in the café?", "completion": "René is."}\n'.encode("latin-1")]),
        ("surrogate", [b'{"prompt": "Show me half a smile.", "completion": "\\ud83d"}\n']),
        ("shape", [{"question_text": "Which bird is that?", "label_text": "A wren."}]),
        ("field", [{"messages": [{"role": "user"}, {"role": "assistant", "content": "Of course."}]}]),
        ("type", [_row("How many legs has a spider?", 8)]),  # type: ignore[arg-type]  # the defect
        ("empty", [_row("What did the fish say to the wall?", " \n")]),
        ("no-answer", [{"prompt": "Why is the harbour of Bergen empty?"}]),
        ("role", [_talk(hello, ("butler", "Good morning, madam."))]),
        ("order", [_talk(hello, ("assistant", "Good morning."), ("user", "And at noon?"))]),
        ("system", [_talk(hello, ("system", "Be polite."), ("assistant", "Good day."))]),
        ("template-token", [_row("Who wrote the almanac of 1792?", "Benjamin Banneker did.<|im_end|>")]),
        ("placeholder", [_row("Who are you, and who made you?", "I am {{name}}, and a team made me.")]),
        ("html", [_row("Where did they moor the barge?", "<p>They moored it at&nbsp;Goole.</p>")]),
        ("repetition", [_row("How is the lid closed?", "Turn the lid to the right. " * 40)]),
        (
            "cut-off",
            [
                _row(
                    "How is the gate mended?",
                    "Lift the gate off its hinges, oil both of its pins well, and when that is done set the",
                )
            ],
        ),
        ("mojibake", [_row("Where did they meet in Lyon?", "They met at the CafÃ© des Arts.")]),
        ("control", [_row("Print the word stop in red.", "\x1b[31mstop\x1b[0m")]),
        ("language", [_row("When does the bakery open its doors?", FRENCH)]),
        (
            "secret",
            [_row("How do I log in to the registry?", "Use ghp_q7RtZk2mWv9XbLp4HsNd8FgJc3YaQe6UoTi5.")],
        ),
        (
            "private-key",
            [_row("Show the key of the host.", f"-----BEGIN RSA PRIVATE KEY-----\n{_base64()}\n-----END")],
        ),
        ("email", [_row("Whom do I ask about the kiln?", "Write to mara.lindt@uni-koeln.de about it.")]),
        ("card", [_row("How did the guest pay for the room?", "With the card 4539 1488 0343 6467.")]),
        ("iban", [_row("How did the guest pay for the boat?", "To DE02 1203 0000 0000 2020 51.")]),
        ("duplicate", [example, _row(question, f"{answer}\n")]),
        ("near-duplicate", [_row(f"{question} Please.", " ".join(words))]),
        (
            "contradiction",
            [_row(BRIDGE, "Yes."), _row(BRIDGE, "No.")],
        ),
    ]


def _base64() -> str:
    return "\n".join(
        "MIIEpAIBAAKCAQEAq7RtZk2mWv9XbLp4HsNd8FgJc3YaQe6UoTi5zVhBnDrKwPyE"[:64] for _ in range(4)
    )


def plant(folder: Path) -> Planted:
    """Write files with every defect once, each between clean rows.

    Args:
        folder: Where to; it is there and empty.
    """
    planted, clean = Planted(folder), CleanRows(seed=11)
    rng = clean.rng
    example = _row("What happened at the old mill that year?", paragraph(rng, 9, 9))
    lines: list[bytes | dict[str, Any]] = list(clean.answers(80))
    for code, rows in _defective_rows(example):
        lines += [*rows, *clean.answers(4)]
        planted.places.add((code, "rows.jsonl", len(lines) - 4))
    leaked, seen = _row(*_asked(clean)), _row(*_asked(clean))
    leaked_in_part = _row(f"Who is this about? {paragraph(rng, 4, 4)}", paragraph(rng))
    lines += [leaked, leaked_in_part, seen, *clean.answers(10)]
    planted.places.add(("leak-arena", "rows.jsonl", len(lines) - 10))
    planted.write("rows.jsonl", lines)

    part = f"Tell me: {leaked_in_part['prompt']}"
    heldout = [
        *clean.questions(20),
        {"prompt": leaked["prompt"].upper()},
        *clean.questions(5),
        {"prompt": part},
    ]
    planted.write("heldout.jsonl", heldout, heldout=True)
    planted.places |= {("leak", "heldout.jsonl", 21), ("leak-part", "heldout.jsonl", 27)}
    planted.arena_prompts += [*(row["prompt"] for row in clean.questions(20)), f"{seen['prompt']}!"]

    planted.write("empty.jsonl", [b"\n"])
    table = "prompt,completion\nWhat is the capital of Peru?,Lima.\nIs a tomato, by the way, a fruit?,Yes.\n"
    planted.write("table.csv", [table.encode()])
    planted.write("torn.json", [b'[\n {"prompt": "Name a big lake in Peru.", "completion": "Titicaca."},\n'])
    planted.places |= {("no-rows", "empty.jsonl", 1), ("csv", "table.csv", 3), ("torn", "torn.json", 3)}

    refusing = [
        row if number % 8 else _row(row["prompt"], "I'm sorry, but I can't help with that.")
        for number, row in enumerate(clean.questions(200), 1)
    ]
    answered = [row if "completion" in row else _row(row["prompt"], paragraph(rng)) for row in refusing]
    planted.write("refusing.jsonl", answered)
    planted.places.add(("refusal", "refusing.jsonl", 8))

    pairs = [_pair(row["prompt"], paragraph(rng, 5, 6), paragraph(rng, 2, 3)) for row in clean.questions(120)]
    pairs[20] |= {"rejected": f"{pairs[20]['chosen']}\n"}
    pairs[40] |= {"chosen": ENGLISH, "rejected": ENGLISH.replace("twenty", "thirty")}
    pairs[60] |= {"chosen": "I'm sorry, but I can't help with that."}
    pairs[80] |= {"chosen": _turns("One?", "Yes, one."), "rejected": _turns("Two?", "No, two.")}
    del pairs[80]["prompt"]
    planted.write("pairs.jsonl", pairs)
    planted.places |= {
        ("length-bias", "pairs.jsonl", 1),
        ("no-preference", "pairs.jsonl", 21),
        ("alike-pair", "pairs.jsonl", 41),
        ("chosen-worse", "pairs.jsonl", 61),
        ("prompts-differ", "pairs.jsonl", 81),
    }

    labels = [{**row, "label": number % 10 != 0} for number, row in enumerate(clean.labelled(60))]
    planted.write("labels.jsonl", labels)
    planted.places.add(("label-imbalance", "labels.jsonl", 1))
    return planted


def _asked(clean: CleanRows) -> tuple[str, str]:
    return next(clean.questions(1))["prompt"], paragraph(clean.rng, 4, 6)


def _pair(question: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {"prompt": question, "chosen": chosen, "rejected": rejected}


def _turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def plant_nothing(folder: Path, rows: int = 10_000) -> Planted:
    """Write files in which nothing is wrong.

    Args:
        folder: Where to; it is there and empty.
        rows: Of the file with answers to learn; a tenth each of pairs and of labelled answers come beside it.
    """
    planted, clean = Planted(folder), CleanRows(seed=1)
    planted.write("clean.jsonl", clean.answers(rows))
    planted.write("pairs.jsonl", clean.pairs(rows // 10))
    planted.write("labels.jsonl", clean.labelled(rows // 10))
    planted.write("heldout.jsonl", clean.questions(rows // 40), heldout=True)
    planted.arena_prompts += [row["prompt"] for row in clean.questions(rows // 100)]
    return planted


def found_in(report: CheckReport) -> set[Place]:
    """Return what a report found, as it was planted."""
    return {(finding.code, finding.file.name, finding.line) for finding in report.findings}


def main() -> int:
    """Print what is found of what was planted, and what is found in clean files."""
    with tempfile.TemporaryDirectory() as folder:
        dirty, clean = Path(folder) / "dirty", Path(folder) / "clean"
        dirty.mkdir()
        clean.mkdir()
        planted, nothing = plant(dirty), plant_nothing(clean)
        report, quiet = planted.check(), nothing.check()
    found = found_in(report)
    print(f"{len(planted.places)} defects of {len({code for code, *_ in planted.places})} kinds planted")
    print(
        f"{len(planted.places & found)} of them found, each at its line; {len(found - planted.places)} others"
    )
    for title, places in (("missed", planted.places - found), ("not planted", found - planted.places)):
        for code, file, line in sorted(places):
            print(f"  {title}: {code} {file}:{line}")
    for finding in report.findings:
        if (finding.code, finding.file.name, finding.line) not in planted.places:
            print(f"  {finding.code} {finding.file.name}:{finding.line}: {finding.message}")
    print(f"{quiet.examples:,} clean examples: {sum(quiet.counts.values())} findings")
    for code, count in Counter(quiet.counts).items():
        print(f"  {code}: {count}")
    return int(found != planted.places or bool(quiet.counts))


if __name__ == "__main__":
    sys.exit(main())
