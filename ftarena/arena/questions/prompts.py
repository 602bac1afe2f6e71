"""Questions for battles: from a file, a run's held-out set, the bundled general set, or what was chatted.

A line of a file is `{"prompt": …, "reference": …}`, or of any shape that is trained on: `prompt` is a text
or a list of turns that ends with the user's; `reference`, the data set's own answer, may be missing. Other
keys are left alone, except one that may name categories. Equal prompts are there once, whatever they were
added from; their categories add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ftarena.arena.questions.categories import CHAT, add_categories
from ftarena.curation.builtin import GENERAL, general_questions
from ftarena.curation.examples import Example
from ftarena.curation.reading import DataError, load_questions, read_examples
from ftarena.errors import FtarenaError
from ftarena.recipes.data_entries import BUILTIN
from ftarena.store import PromptRow, Store
from ftarena.store.ids import prompt_hash, storable
from ftarena.training.runs import RESOLVED_RECIPE, Run

CATEGORY_KEY = "category"
"""The key of a line that names its category, where no other is said."""


class PromptsReport(NamedTuple):
    """What adding prompts did."""

    added: int
    """Prompts that are new."""

    already: int
    """Prompts that were there already, or twice among those given; categories were added to them."""

    near: int = 0
    """Prompts left out because nearly the same one is there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt to add."""

    turns: tuple[tuple[str, str], ...]
    """Role and content of each."""

    reference: str | None = None
    categories: frozenset[str] = field(default_factory=frozenset)

    @property
    def id(self) -> str:
        """Its id in every arena."""
        return prompt_hash([(role, storable(content)) for role, content in self.turns])


def add_prompts_from_examples(
    store: Store,
    path: Path,
    source: str = "heldout",
    *,
    category: str | None = None,
    category_key: str | None = None,
    near: bool = True,
) -> PromptsReport:
    """Add the prompts of a file; equal prompts are there once, however often they are added.

    Args:
        store: Where to.
        path: JSONL in UTF-8, or whatever else `curation` reads.
        source: A word for where they come from.
        category: One that all of them are in.
        category_key: The key of a line that names its category, or a list of them.
        near: Whether those are added too of which nearly the same one is there.

    Raises:
        FtarenaError: The file cannot be read, or lines are wrong (`FILE:LINE: what` each); none is added.
    """
    return add_asked(store, asked_in(path, category, category_key), source, near=near)


def asked_in(path: Path, category: str | None = None, category_key: str | None = None) -> list[Asked]:
    """Return the prompts of a file with their categories.

    Args:
        path: As for `add_prompts_from_examples`.
        category: Likewise.
        category_key: Likewise; `None` is `category`, where lines have it.

    Raises:
        FtarenaError: The file cannot be read, or no line has the key.
    """
    examples = _questions(path)
    by_line = _categories_by_line(path, category_key or CATEGORY_KEY)
    if category_key and not by_line:
        raise FtarenaError(
            f"no line of {path} has a text under {category_key!r}", f"see its keys: head -1 {path}"
        )
    shared = _named(category)
    return [_asked(example, shared | by_line.get(example.line, frozenset())) for example in examples]


def general_prompts(category: str | None = None) -> list[Asked]:
    """Return the bundled general questions, in the category `general` and in that of their topic.

    Args:
        category: One that all of them are in, too.
    """
    shared = _named(category) | {GENERAL}
    return [
        Asked((("user", one.prompt),), one.reference, shared | {one.topic}) for one in general_questions()
    ]


def heldout_prompts(run: Run, category: str | None = None) -> list[Asked]:
    """Return what a run was measured on and not trained on.

    Args:
        run: The run.
        category: One that all of them are in.

    Raises:
        FtarenaError: It held nothing out, or its data are gone.
    """
    from ftarena.recipes.load import load_recipe
    from ftarena.training.data import load_data

    examples = load_data(load_recipe(run.directory / RESOLVED_RECIPE)).heldout
    found = [_asked(example, _named(category)) for example in examples if example.prompt]
    if not found:
        raise FtarenaError(
            f"the run {run.id} held no questions out",
            "set eval_dataset or eval_split in its recipe, or add a file: ftarena prompts add FILE",
        )
    return found


def add_asked(store: Store, asked: Sequence[Asked], source: str, *, near: bool = True) -> PromptsReport:
    """Add prompts as one step.

    Args:
        store: Where to.
        asked: The prompts.
        source: A word for where they come from.
        near: Whether those are added too of which nearly the same one is there.

    Raises:
        FtarenaError: The source is no word, or means something else.
    """
    if not source.strip():
        raise FtarenaError("prompts need a word for where they come from", "give one with --source")
    if source in ("import", "chat", "chat-apart"):
        raise FtarenaError(f"the source {source!r} means something else here", "give another --source")
    known = set(store.prompt_ids()) | set(store.prompt_ids([CHAT]))
    new = [one for one in asked if one.id not in known]
    alike: set[str] = set()
    if not near and new:
        from ftarena.arena.questions.alike import near_ones

        distinct = {one.id: one for one in new}
        found = near_ones(store.prompts(), list(distinct.values()))
        alike = {list(distinct)[place] for place in found}
    kept = [one for one in asked if one.id not in alike]
    with store.transaction():
        store.add_prompts([(one.turns, one.reference) for one in kept], source)
        add_categories(store, {one.id: one.categories for one in _merged(kept)})
    added = len({one.id for one in new} - alike)
    return PromptsReport(added, len(kept) - added, len(asked) - len(kept))


def add_chatted(store: Store, *, near: bool = True) -> PromptsReport:
    """Let what was asked in chats be drawn for battles too: contestants answer it anew.

    Chats whose two sides had grown apart stay out: their sides were asked different things.

    Args:
        store: The arena.
        near: Whether those are taken too of which nearly the same one is there.
    """
    rows = store.prompts([CHAT])
    drawn = set(store.prompt_ids())
    new = [row for row in rows if row.id not in drawn]
    left_out: set[str] = set()
    if not near and new:
        from ftarena.arena.questions.alike import near_ones

        found = near_ones(store.prompts(), [asked_of(row) for row in new])
        left_out = {new[place].id for place in found}
    add_categories(store, {row.id: frozenset({CHAT}) for row in new if row.id not in left_out})
    return PromptsReport(len(new) - len(left_out), len(rows) - len(new), len(left_out))


def categorise(store: Store, asked: Sequence[Asked]) -> tuple[int, int]:
    """Add categories to prompts that are there.

    Args:
        store: The arena.
        asked: Prompts with the categories that are new; prompts that are not there are passed over.

    Returns:
        How many of them are there, and how many are not.
    """
    known = set(store.prompt_ids()) | set(store.prompt_ids([CHAT]))
    merged = _merged(asked)
    there = [one for one in merged if one.id in known]
    add_categories(store, {one.id: one.categories for one in there})
    return len(there), len(merged) - len(there)


def asked_of(row: PromptRow) -> Asked:
    """Return a prompt of the arena as one that could be added."""
    return Asked(tuple((turn.role, turn.content) for turn in row.turns), row.reference)


def is_builtin(name: str) -> bool:
    """Return whether a command line means a bundled set.

    Raises:
        FtarenaError: It means one whose questions are not for battles, or none that there is.
    """
    if not name.startswith(BUILTIN):
        return False
    if name != BUILTIN + GENERAL:
        raise FtarenaError(f"{name} is no set of questions for battles", f"there is {BUILTIN}{GENERAL}")
    return True


def questions(store: Store) -> list[str]:
    """Return what the arena asks, a text a prompt: the turns of the user, as `Example.question` has it."""
    return [
        "\n".join(turn.content for turn in prompt.turns if turn.role == "user") for prompt in store.prompts()
    ]


def _questions(path: Path) -> list[Example]:
    """Return the questions of a file: rows with a `prompt`, else rows of any shape that asks something."""
    try:
        return load_questions(path)
    except DataError as none:
        reading = read_examples(path)
        if reading.problems or not all(example.prompt for example in reading.examples):
            raise none
        return list(reading.examples)


def _asked(example: Example, categories: frozenset[str]) -> Asked:
    return Asked(
        tuple((turn.role, turn.content) for turn in example.prompt),
        example.completion[0].content if example.completion else None,
        categories,
    )


def _merged(asked: Sequence[Asked]) -> list[Asked]:
    """Return each prompt once, with all its categories."""
    found: dict[str, Asked] = {}
    for one in asked:
        before = found.get(one.id)
        found[one.id] = (
            one
            if before is None
            else Asked(before.turns, before.reference, before.categories | one.categories)
        )
    return list(found.values())


def _named(category: str | None) -> frozenset[str]:
    return frozenset({category.strip()} if category and category.strip() else ())


def _categories_by_line(path: Path, key: str) -> Mapping[int, frozenset[str]]:
    from ftarena.curation.rows import Row, read_rows
    from ftarena.curation.sources import source_of

    found: dict[int, frozenset[str]] = {}
    for row in read_rows(source_of(path)):
        if not isinstance(row, Row) or not isinstance(row.value, dict):
            continue
        value = row.value.get(key)
        named = value if isinstance(value, list) else [value]
        words = frozenset(one.strip() for one in named if isinstance(one, str) and one.strip())
        if words:
            found[row.line] = words
    return found
