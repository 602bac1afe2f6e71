"""The generations of a project: which votes made which model, and what each gained and forgot."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ftarena.arena.improving.parent import resolved_recipe
from ftarena.arena.improving.record import Record, read_record
from ftarena.scoring.words import counted, percent, summary
from ftarena.store import Selection, Store, VoteRow
from ftarena.training.figures.metrics import MetricsTail
from ftarena.training.guards import read_guards
from ftarena.training.jobs import Run, list_runs
from ftarena.training.runs import METRICS
from ftarena.workspace import Workspace


@dataclass(frozen=True)
class Gain:
    """What people say of a child against its parent."""

    child: str
    """Name of the child's contestant."""

    parent: str
    """Name of its parent's."""

    wins: int
    losses: int
    ties: int
    both_bad: int
    rate: float | None
    """Share of the decisive votes that the child won, every vote by its weight; None without any."""

    low: float | None
    """Its interval, 95 %."""

    high: float | None
    verdict: str
    """`better`, `worse`, `equivalent` or `undecided`."""

    words: str
    """The verdict as a sentence."""

    trained: int
    """Votes on prompts that either was trained on. They are left out of the figures, unless there are no
    others: then the figures are of these."""

    on_trained: bool
    """Whether the figures are of votes on prompts that were trained on: no fair comparison."""


@dataclass(frozen=True)
class Course:
    """A loss before and after the training, in nats per token."""

    before: float
    after: float

    @property
    def change(self) -> float:
        """`after - before`: positive is worse."""
        return self.after - self.before


@dataclass(frozen=True)
class Generation:
    """One run in the tree."""

    run: str
    """Its id."""

    name: str
    method: str
    state: str
    parent: str | None
    """Id of the run that it went on from; None for one that began with the base model."""

    depth: int
    """Generations before it; 0 for one that began with the base model."""

    made_of: Record | None
    """Which votes it was made of; None where it was trained on files."""

    gain: Gain | None
    """Against its parent; None where nobody compared them."""

    held_out: Course | None
    general: Course | None
    """The loss on general questions: what the base knew."""

    alarms: tuple[str, ...]
    """What its guards found wrong, a line each."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


def generations(store: Store | None, workspace: Workspace) -> list[Generation]:
    """Return every run of a project as a tree: each behind its parent, siblings by age.

    Args:
        store: The votes; None where there are none.
        workspace: The project.
    """
    runs = {run.id: run for run in reversed(list_runs(workspace))}  # the oldest first
    parents = {run_id: _parent_of(run, runs) for run_id, run in runs.items()}
    names = _contestants(store)
    votes = _Votes(store) if store is not None else None
    found: list[Generation] = []

    def add(run_id: str, depth: int) -> None:
        parent = parents[run_id]
        found.append(_generation(votes, runs[run_id], parent, depth, names))
        for child in runs:
            if parents[child] == run_id:
                add(child, depth + 1)

    for run_id, parent in parents.items():
        if parent is None:
            add(run_id, 0)
    return found


def _parent_of(run: Run, runs: Mapping[str, Run]) -> str | None:
    """Return the id of the run that one went on from, where its folder is still there."""
    record = read_record(run.directory)
    if record is not None:
        named = record.parent
    else:
        given = resolved_recipe(run).get("init_from")
        if not isinstance(given, str):
            return None
        folder = Path(given)
        named = (folder.parent if folder.name.startswith("checkpoint-") else folder).name
    parent = runs.get(named)
    # An older one: else two broken records could be each other's parent.
    older = parent is not None and (parent.started_at, parent.id) < (run.started_at, run.id)
    return named if older else None


def _contestants(store: Store | None) -> dict[str, str]:
    """Return the name in the arena of each run's own contestant."""
    names: dict[str, str] = {}
    for row in store.contestants() if store is not None else ():
        if row.run_id:
            names.setdefault(row.run_id, row.name)
    return names


def _generation(
    votes: "_Votes | None", run: Run, parent: str | None, depth: int, names: Mapping[str, str]
) -> Generation:
    metrics = MetricsTail(run.directory / METRICS)
    metrics.read()
    gain = None
    if votes is not None and parent is not None and run.id in names and parent in names:
        gain = _gain(votes, names[run.id], names[parent])
    return Generation(
        run=run.id,
        name=run.name,
        method=run.method,
        state=str(run.state),
        parent=parent,
        depth=depth,
        made_of=read_record(run.directory),
        gain=gain,
        held_out=_course(metrics, "eval_loss"),
        general=_course(metrics, "general_loss"),
        alarms=tuple(guard.words for guard in read_guards(run) if guard.verdict == "alarm"),
    )


def _course(metrics: MetricsTail, key: str) -> Course | None:
    course = metrics.courses.get(key)
    if course is None or course.first is None or course.last is None or course.last[0] <= course.first[0]:
        return None
    return Course(course.first[1], course.last[1])


class _Votes:
    """The votes of an arena by the two contestants they are about: read once, asked for each generation."""

    def __init__(self, store: Store) -> None:
        self._every = _by_pair(store.standing_votes(Selection(include_hidden=True)))
        self._fair = _by_pair(store.standing_votes(Selection(include_hidden=True, trained=False)))

    def between(self, one: str, other: str) -> tuple[list[VoteRow], list[VoteRow]]:
        """Return all votes between two, and those on prompts that neither was trained on."""
        key = frozenset((one, other))
        return self._every.get(key, []), self._fair.get(key, [])


def _by_pair(votes: Sequence[VoteRow]) -> dict[frozenset[str], list[VoteRow]]:
    found: dict[frozenset[str], list[VoteRow]] = {}
    for vote in votes:
        found.setdefault(frozenset((vote.left, vote.right)), []).append(vote)
    return found


def _gain(votes: _Votes, child: str, parent: str) -> Gain | None:
    from ftarena.scoring import Vote, score  # numpy: a front end that only looks around never loads it

    every, fair = votes.between(child, parent)
    if not every:
        return None
    # By names whose order is known: else the child's figures would be one minus the parent's, or not, as the
    # alphabet has it, and differ in the last bit.
    known = {child: "a", parent: "b"}
    pair = score([Vote(known[vote.left], known[vote.right], *vote[2:]) for vote in fair or every]).pair(
        "a", "b"
    )
    if pair is None:
        return None
    return Gain(
        child=child,
        parent=parent,
        wins=pair.wins,
        losses=pair.losses,
        ties=pair.ties,
        both_bad=pair.both_bad,
        rate=pair.win_rate,
        low=pair.low,
        high=pair.high,
        verdict={"a": "better", "b": "worse"}.get(pair.verdict, pair.verdict),
        words=summary(replace(pair, a=child, b=parent)),
        trained=len(every) - len(fair),
        on_trained=not fair,
    )


def made_words(record: Record | None) -> str:
    """Return which votes made a run, in words: `31 pairs from 34 votes of 2 labelers, who agree on 80 %`."""
    if record is None:
        return "trained on files"
    noun = "pair" if record.method != "kto" else "answer"
    words = (
        f"{counted(record.pairs, noun)} from {counted(record.votes, 'vote')} of "
        f"{counted(record.labelers, 'labeler')}"
    )
    return f"{words}; agreement {percent(record.agreement)}" if record.agreement is not None else words


def gain_words(gain: Gain | None) -> str:
    """Return what people say of a child against its parent, in words."""
    if gain is None:
        return "not compared with its parent yet"
    rate = f"{percent(gain.rate)} of {gain.wins + gain.losses}" if gain.rate is not None else "no decision"
    fair = " (on prompts it was trained on)" if gain.on_trained else ""
    return f"{rate} against its parent{fair}: {gain.words}"


def loss_words(generation: Generation) -> str:
    """Return the held-out and the general loss before and after, in words; empty where none was measured."""
    parts = [
        f"{title} {course.before:.3f} → {course.after:.3f} ({course.change:+.3f})".replace("-", "−")
        for title, course in (("held out", generation.held_out), ("general", generation.general))
        if course is not None
    ]
    return ", ".join(parts)
