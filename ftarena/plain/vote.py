"""Voting line by line: for pipes, screen readers and terminals that can do no more.

One key and Enter decides. No name is written before its vote; answers are indented, so that no line of theirs
can pass for one of ours. Whatever ends it (q, end of input, ctrl-c), the open battle stays open.
"""

import io
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from ftarena.arena import AlreadyDecidedError, Arena, BlindBattle, Progress
from ftarena.arena.ballot_words import SKIP_REASONS, STRENGTH, second_questions, told_words, who_was_who
from ftarena.arena.lineup import sync_lineup
from ftarena.errors import FtarenaError
from ftarena.store import NamesShown, Outcome, Store
from ftarena.text import clean_line, clean_text
from ftarena.workspace import Workspace

_OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "a": ("left", "A is better"),
    "b": ("right", "B is better"),
    "t": ("tie", "equally good"),
    "x": ("both_bad", "both bad"),
}

_TITLES = {"user": "Question:", "assistant": "Earlier answer:", "system": "Instruction:"}

_QUESTION = "Which answer is better? a, b, t (equally good), x (both bad); ? for more."

_HELP = """\
a  A is better
b  B is better
t  both are equally good
x  both are bad
s  skip this battle; a reason may follow: s not my subject
S  skip, with a reason from a list
u  take back your last vote or skip
c  comment on this battle: c the code in A does not run
r  read the battle again
m  more questions after each vote: on or off, where this arena has any
q  quit; this battle waits for you"""


def vote(
    workspace: Workspace,
    database: Path,
    *,
    labeler: str,
    contestants: Sequence[str] | None = None,
    names: NamesShown | None = None,
    more: Callable[[], bool] | None = None,
    lines: TextIO | None = None,
    out: TextIO | None = None,
) -> int:
    """Show battles and take votes until there are none or the input ends.

    Args:
        workspace: The project, whose engine makes answers where it is running.
        database: Where votes are kept.
        labeler: Who votes.
        contestants: Names of who takes part; `None` is everybody who can answer.
        names: When the names are told: never, after each vote, or at the end; `None` is what the arena says.
        more: Called when no battle is ready: waits until answers have been made and returns whether any were.
            `None` has them made by the running engine.
        lines: Where keys come from; standard input by default.
        out: Where text goes; standard output by default.

    Returns:
        The exit code: 0, or 130 after ctrl-c.
    """
    with Store.open(database) as store, ExitStack() as stack:
        sync_lineup(store, workspace)
        arena = Arena(store, labeler=labeler, contestants=contestants, names_shown=names)
        if more is None:
            from ftarena.plain.answers import AnswerMaker

            more = stack.enter_context(AnswerMaker(workspace, store, contestants)).more
        # A closed standard input is None, and says as little as an empty one.
        return sitting(arena, more, lines or sys.stdin or io.StringIO(), out or sys.stdout)


def sitting(arena: Arena, more: Callable[[], bool], lines: TextIO, out: TextIO) -> int:
    """Show the battles of an arena and take votes, as `vote` does.

    Args:
        arena: Of the labeler who votes.
        more: Called when no battle is ready.
        lines: Where keys come from.
        out: Where text goes.

    Returns:
        The exit code: 0, or 130 after ctrl-c.
    """
    here = _Sitting(arena, more, lines, out)
    code = 0
    try:
        here.run()
    except KeyboardInterrupt:
        here.say()
        code = 130
    here.close()
    return code


_SECOND_HELP = "Enter skips the rest, m turns these off"

_PATIENCE = 3
"""After so many lines that answer nothing, second questions are skipped: `yes a |` would never end."""


class _Sitting:
    """One sitting of one labeler."""

    def __init__(self, arena: Arena, more: Callable[[], bool], lines: TextIO, out: TextIO) -> None:
        self._arena = arena
        self._more = more
        self._lines = lines
        self._out = out
        self._decided: list[BlindBattle] = []
        self._open: BlindBattle | None = None
        self._acted = False
        self._asks_more = True
        self._stopping = False

    def say(self, text: str = "") -> None:
        """Write a line; foreign text in it is cleaned already."""
        print(text, file=self._out, flush=True)

    def run(self) -> None:
        """Battle after battle, until there are none, q, or the end of the input."""
        battle = self._next()
        while battle is not None:
            self._open = battle
            self._show(battle)
            following = self._decide(battle, time.monotonic())
            if following is None:
                return
            self._open = None
            if self._stopping:
                return
            battle = following if isinstance(following, BlindBattle) else self._next() or self._last_chance()
        if not self._acted:
            self.say(_why_nothing(self._arena.progress()))

    def _last_chance(self) -> BlindBattle | None:
        """Say that nothing is left, and let the last decision be taken back."""
        self.say(_why_nothing(self._arena.progress()))
        self.say("u takes back the last one; Enter ends.")
        return self._undo() if self._lines.readline().strip().lower() == "u" else None

    def close(self) -> None:
        """Say what was done, and the names if now is the time."""
        if self._arena.names_shown == "end" and self._decided:
            self.say("Who was who:")
            for battle in self._decided:
                self.say(f"  battle {battle.number}: {who_was_who(self._arena.reveal(battle.id))}")
        done = len(self._decided)
        waiting = " The open battle waits for you." if self._open is not None else ""
        self.say(f"{done} vote{'' if done == 1 else 's'} in this sitting.{waiting}")

    def _next(self) -> BlindBattle | None:
        told = False
        while (battle := self._arena.next()) is None:
            if not told and _lacking(self._arena.progress()):
                self.say("No battle is ready yet; answers are being made.")
                told = True
            try:
                if not self._more():
                    return None
            except FtarenaError as error:
                self.say(f"No new answers: {clean_text(str(error))}")
                return None
        return battle

    def _show(self, battle: BlindBattle) -> None:
        progress = self._arena.progress()
        who = clean_line(progress.labeler)
        self.say(f"Battle {battle.number}. {who}: {progress.voted} of {progress.planned} decided.")
        self.say()
        for message in battle.messages:
            self.say(_TITLES[message.role])
            self.say(_indented(message.content))
            self.say()
        for title, text in (("Answer A:", battle.left), ("Answer B:", battle.right)):
            self.say(title)
            self.say(_indented(text))
            self.say()
        self.say(_QUESTION)

    def _decide(self, battle: BlindBattle, shown: float) -> "BlindBattle | bool | None":
        """Take keys until one ends this battle.

        Returns:
            True for the next battle, a battle that was opened again, or None to stop.
        """
        while line := self._lines.readline():
            try:
                following = self._obey(battle, line, shown)
            except AlreadyDecidedError:
                self.say("This one was decided in another window; your key did not count.")
                self.say()
                self._acted = True
                return True
            if following is not False:
                return following
        return None

    def _obey(self, battle: BlindBattle, line: str, shown: float) -> "BlindBattle | bool | None":
        """Do what one line says.

        Returns:
            What `_decide` does, or False where the battle goes on.
        """
        key, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if key == "S" and not rest:
            rest = self._reason()
        if key.lower() in _OUTCOMES and not rest:
            self._vote(battle, *_OUTCOMES[key.lower()], shown)
            return True
        match key.lower():
            case "s":
                self._acted = True
                self._arena.skip(battle.id, rest)
                self.say("Skipped. u takes it back.")
                return True
            case "u":
                if (again := self._undo()) is not None:
                    return again
            case "c":
                self._comment(battle, rest)
            case "r":
                self._show(battle)
            case "m":
                self._switch_more()
            case "q":
                return None
            case "?":
                self.say(_HELP)
            case "":
                self.say(_QUESTION)
            case _:
                self.say(f"{clean_line(line)!r} is none of the keys. {_QUESTION}")
        return False

    def _vote(self, battle: BlindBattle, outcome: Outcome, words: str, shown: float) -> None:
        self._arena.vote(battle.id, outcome, elapsed_ms=round((time.monotonic() - shown) * 1000))
        self._decided.append(battle)
        self._acted = True
        aspects = second_questions(self._arena.settings, outcome) if self._asks_more else []
        if aspects:
            self.say(f"Recorded: {words}. Enter skips the rest.")
            self._ask_more(battle, aspects)
        # Names come after the last question: what is answered to it is to be blind as well.
        told = " ".join(filter(None, [told_words(self._arena.told(battle.id)), "u takes it back."]))
        self.say(told if aspects else f"Recorded: {words}. {told}")
        self.say()

    def _ask_more(self, battle: BlindBattle, aspects: Sequence[str]) -> None:
        for aspect in aspects:
            numbered = aspect == STRENGTH
            asked = (
                "How clear is it? 1 (barely) to 5 (by far)."
                if numbered
                else f"{clean_line(aspect)}: which is better? a, b, t, x."
            )
            self.say(asked)
            key = self._second_answer("12345" if numbered else "".join(_OUTCOMES), asked)
            if not key:
                return
            if numbered:
                self._arena.by_strength(battle.id, int(key))
            else:
                self._arena.by_criterion(battle.id, aspect, _OUTCOMES[key][0])

    def _second_answer(self, keys: str, asked: str) -> str:
        """Take lines until one answers a second question; empty where the rest is skipped."""
        for _ in range(_PATIENCE):
            key = self._lines.readline().strip().lower()
            if not key or (len(key) == 1 and key in keys):
                return key
            if key == "q":
                self._stopping = True
                return ""
            if key == "m":
                self._switch_more()
                return ""
            if key == "?":
                self.say(f"Your vote is kept already. {_SECOND_HELP}, q quits.")
            else:
                self.say(f"{clean_line(key)!r} is no answer to that. {asked} {_SECOND_HELP}.")
        self.say("No answer to that: the rest is skipped.")
        return ""

    def _switch_more(self) -> None:
        if not (self._arena.settings.criteria or self._arena.settings.strength):
            self.say("This arena asks nothing but which answer is better.")
            return
        self._asks_more = not self._asks_more
        self.say(f"More questions after each vote: {'on' if self._asks_more else 'off'}.")

    def _reason(self) -> str:
        listed = ", ".join(f"{number} {reason}" for number, reason in enumerate(SKIP_REASONS, 1))
        self.say(f"Why? {listed}; or write it. Enter: no reason.")
        said = self._lines.readline().strip()
        return SKIP_REASONS[int(said) - 1] if said in ("1", "2", "3") else said

    def _undo(self) -> BlindBattle | None:
        again = self._arena.undo()
        if again is None:
            self.say("There is nothing to take back.")
            return None
        self._decided = [battle for battle in self._decided if battle.id != again.id]
        if self._arena.names_seen(again.id):
            self.say("Taken back. You have seen the names, so a new vote here is kept but not scored.")
        else:
            self.say("Taken back. Decide again:")
        self.say()
        return again

    def _comment(self, battle: BlindBattle, text: str) -> None:
        if not text:
            self.say("Your comment, on one line:")
            text = self._lines.readline().strip()
        self._arena.comment(battle.id, text)
        self.say("Kept. The battle is still open." if text else "No comment, then.")


def _indented(text: str) -> str:
    # Both answers alike: templates leave a stray space or line break in front, which would tell nothing.
    return "\n".join(f"  {line}" for line in clean_text(text).strip().split("\n"))


def _lacking(progress: Progress) -> int:
    return progress.planned - progress.voted - progress.skipped


def _why_nothing(progress: Progress) -> str:
    left = _lacking(progress) - progress.resting
    if progress.planned == 0:
        return (
            "There is nothing to vote on yet: it takes two contestants and a prompt that both answered."
            " ftarena demo makes them."
        )
    if left > 0:
        waits = (
            f" {progress.resting} more wait: you were just told who wrote one of their answers."
            if progress.resting
            else ""
        )
        return f"No battle is ready; {left} lack answers. ftarena engine start has them made.{waits}"
    same = f" {progress.identical} more had equal answers." if progress.identical else ""
    return f"That was the last one: {progress.voted} votes, {progress.skipped} skipped.{same}"
