"""What is wrong with data files, found without a model: broken rows, doubles, contradictions, leakage.

Every finding has a stable code, a severity, a place and a remedy. Errors are what training or its evaluation
would suffer from for certain; warnings are worth a look.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ftarena.curation.examples import Example, Turns
from ftarena.curation.reading import read_examples
from ftarena.curation.shapes import ANSWERED, SHAPES
from ftarena.text import clean_text

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    code: str
    severity: Severity
    file: Path
    line: int
    message: str
    remedy: str


@dataclass(frozen=True)
class CheckReport:
    """What was found in a set of files."""

    examples: int
    """Rows that can be used, held-out ones included."""

    findings: tuple[Finding, ...]
    """By file and line."""

    stats: dict[str, Any]
    """Counts: rows by file and shape, answer lengths in characters (median, longest)."""

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "examples": self.examples,
            "findings": [
                {
                    "code": finding.code,
                    "severity": finding.severity,
                    "file": str(finding.file),
                    "line": finding.line,
                    "message": finding.message,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            ],
            "stats": self.stats,
        }


_ROW_REMEDIES = {
    "json": "repair or remove the line",
    "encoding": "convert the file: iconv -f latin1 -t utf-8",
    "surrogate": "write both halves, or remove the one",
    "no-answer": "add an answer; without one it can only be asked: ftarena prompts add",
    "shape": "rename the fields, see docs/recipes.md",
    "field": "add the field or remove the line",
    "type": "give the field the expected type",
    "empty": "fill it in or remove the line",
    "role": "rename the role",
    "order": "reorder or complete the turns",
}


def check_files(files: Sequence[Path], eval_files: Sequence[Path] = ()) -> CheckReport:
    """Check training files, and that held-out files share no prompt with them.

    Args:
        files: Files that are or will be trained on: every row needs an answer.
        eval_files: Files kept aside for evaluation; prompts without an answer are fine here, as questions.

    Raises:
        FtarenaError: A file cannot be read at all.
    """
    findings: list[Finding] = []
    training: list[Example] = []
    heldout: list[Example] = []
    rows: dict[str, dict[str, int]] = {}
    for path, sink, shapes in [
        *((path, training, ANSWERED) for path in files),
        *((path, heldout, tuple(SHAPES)) for path in eval_files),
    ]:
        reading = read_examples(path, shapes)
        sink += reading.examples
        rows[str(path)] = dict(Counter(example.shape for example in reading.examples))
        findings += [
            Finding(
                problem.code,
                "error",
                problem.file,
                problem.line,
                problem.message + (f" (column {problem.column})" if problem.column else ""),
                _ROW_REMEDIES[problem.code],
            )
            for problem in reading.problems
        ]
        if not reading.examples and not reading.problems:
            findings.append(Finding("no-rows", "error", path, 1, "the file holds no row", "check the path"))
    for examples in (training, heldout):
        findings += _doubles(examples)
        for example in examples:
            findings += _texts(example)
            findings += _pair(example)
    findings += _leaks(training, heldout)
    findings.sort(key=lambda finding: (str(finding.file), finding.line, finding.code))
    return CheckReport(len(training) + len(heldout), tuple(findings), {"rows": rows, **_lengths(training)})


def normalised(text: str) -> str:
    """Return a text as comparisons see it: lower case, letters and digits of any script, single spaces."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _key(turns: Turns) -> bytes:
    joined = "\0".join(f"{turn.role}\1{' '.join(turn.content.split())}" for turn in turns)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _doubles(examples: Sequence[Example]) -> Iterator[Finding]:
    """Find rows that repeat an earlier one, and prompts that are answered in two ways."""
    seen: dict[tuple[str, bytes], tuple[Example, bytes]] = {}
    for example in examples:
        prompt, answer = _key(example.prompt), _key(example.completion) + _key(example.rejected)
        # An SFT row and a preference pair may well share a prompt: only like is compared with like.
        kind = example.shape if example.shape in ("preference", "prompt") else "answer"
        first = seen.setdefault((kind, prompt), (example, answer))
        if first[0] is example:
            continue
        where = f"{first[0].file.name}:{first[0].line}"
        if first[1] == answer:
            message, remedy = f"the same as {where}", "remove one of the two"
            yield Finding("duplicate", "warning", example.file, example.line, message, remedy)
        elif kind == "answer":
            message = f"the prompt of {where} with another answer"
            yield Finding(
                "contradiction", "warning", example.file, example.line, message, "keep the better one"
            )


def _texts(example: Example) -> Iterator[Finding]:
    turns = (*example.prompt, *example.completion, *example.rejected)
    for turn in turns:
        if clean_text(turn.content) != turn.content.replace("\r\n", "\n").replace("\r", "\n"):
            message = f"control characters in a turn of {turn.role}"
            yield Finding("control", "warning", example.file, example.line, message, "remove them")
            break
    for turn in turns:
        if mark := _TEMPLATE_MARKS.search(turn.content):
            message = f"a token of a chat template in the text of {turn.role}: {mark.group()}"
            remedy = "remove it: the tokenizer's own template adds what is needed"
            yield Finding("template-token", "warning", example.file, example.line, message, remedy)
            break


_TEMPLATE_MARKS = re.compile(
    r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|user|assistant|system)\|>"
    r"|\[/?INST\]|</?s>|### Response:|<(?:start|end)_of_turn>"
)


def _pair(example: Example) -> Iterator[Finding]:
    if example.shape != "preference":
        return
    if example.completion[0].content.split() == example.rejected[0].content.split():
        message = "chosen and rejected are the same: nothing can be learned from the pair"
        yield Finding("no-preference", "error", example.file, example.line, message, "remove the line")


def _leaks(training: Sequence[Example], heldout: Sequence[Example]) -> Iterator[Finding]:
    """Find held-out prompts that are trained on: their results would say nothing."""
    trained: dict[str, Example] = {}
    for example in training:
        trained.setdefault(normalised(example.question), example)
    for example in heldout:
        twin = trained.get(normalised(example.question))
        if twin is not None:
            message = f"this held-out prompt is also trained on, at {twin.file.name}:{twin.line}"
            yield Finding(
                "leak", "error", example.file, example.line, message, "remove it from one of the two"
            )


def _lengths(examples: Sequence[Example]) -> dict[str, int]:
    lengths = sorted(len(example.completion[0].content) for example in examples if example.completion)
    if not lengths:
        return {}
    return {"answer_characters_median": lengths[len(lengths) // 2], "answer_characters_longest": lengths[-1]}
