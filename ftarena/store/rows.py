"""What the store hands out: one frozen class a table, with names where the tables have ids.

Texts are raw, as they came; `ftarena.text.clean_text` is applied where they are shown.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Outcome = Literal["left", "right", "tie", "both_bad"]
"""What a vote says; `both_bad` is an outcome of its own, never a tie."""

OUTCOMES: tuple[Outcome, ...] = ("left", "right", "tie", "both_bad")

ContestantKind = Literal["base", "adapter", "model", "remote", "imported"]
"""A bare base model, an adapter on one, a full model of its own, another server, or a name in a file."""

Origin = Literal["arena", "chat", "import"]
"""Where a battle comes from: drawn for a labeler, a blind chat exchange, or a file of votes."""

NamesShown = Literal["never", "after", "end"]
"""When a labeler is told the names: never, after each vote, or at the end."""


NOT_DRAWN = frozenset({"chat", "chat-apart", "import"})
"""Sources of prompts that no battle is drawn from: blind chats, chats whose two sides had grown apart (the
answers had different histories, so they are no preference pair), and names in imported files."""


class Turn(NamedTuple):
    """One turn of a prompt."""

    role: str
    """`system`, `user` or `assistant`."""

    content: str


class VoteRow(NamedTuple):
    """One standing vote, as the statistics want it."""

    left: str
    """Name of the contestant that was shown on the left."""

    right: str
    outcome: Outcome
    labeler: str
    prompt: str
    """Id of the prompt; an imported vote that names none is a prompt of its own."""

    weight: float = 1.0
    """1 / boost of its battle: what a sampler preferred counts less, so that no result is bent by it."""


@dataclass(frozen=True, slots=True)
class ContestantRow:
    """What answers, under the name that people know it by."""

    id: str
    name: str
    spec_json: str | None
    """The whole description, opaque here; `None` for a name that only an imported file knows."""

    kind: ContestantKind
    model: str | None
    run_id: str | None
    created_at: str
    hidden: bool
    """Kept with all its votes, but neither drawn nor shown."""


@dataclass(frozen=True, slots=True)
class PromptRow:
    """A conversation that ends where the answer begins."""

    id: str
    turns: tuple[Turn, ...]
    source: str
    """Where it comes from: `heldout`, `chat`, `import` or a name of the user's."""

    reference: str | None
    """The data set's own answer, where there is one."""

    created_at: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What one contestant answered to one prompt."""

    id: str
    contestant_id: str
    prompt_id: str
    sample: int
    """0 is the answer that battles are made of; later ones are repetitions."""

    text: str
    finish_reason: str | None
    n_tokens: int | None
    ttft_s: float | None
    """From the request to the first token, in seconds."""

    elapsed_s: float | None
    """From the request to the last token, in seconds."""

    created_at: str


@dataclass(frozen=True, slots=True)
class BattleRow:
    """Two answers side by side, for one labeler. Committed before anything of it is shown."""

    id: str
    origin: Origin
    labeler: str
    prompt_id: str | None
    left: str
    """Name of the contestant on the left."""

    right: str
    left_answer_id: str | None
    right_answer_id: str | None
    created_at: str
    repeat_of: str | None = None
    """The battle that is shown again here with the sides swapped."""

    leaked: str | None = None
    """What an answer gave itself away by; `None` where nothing was found."""


LabelerKind = Literal["human", "judge"]
"""Who votes: a person, or a model."""

Aspect = str
"""What else is decided with a vote: a criterion such as `helpful`, or `strength`."""


@dataclass(frozen=True, slots=True)
class BallotRow:
    """The vote or skip that stands on a battle."""

    event_id: str
    battle_id: str
    labeler: str
    kind: Literal["vote", "skip"]
    outcome: Outcome | None
    """`None` for a skip."""

    created_at: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A training run that contestants come from. How it is going lies in its folder, not here."""

    id: str
    name: str
    method: str
    base_model: str
    directory: str
    created_at: str
