"""How far the answers that are made ahead have come, in words."""

from dataclasses import dataclass

from ftarena.text import duration


@dataclass
class Making:
    """Counts answers while they are made."""

    total: int = 0
    """Answers that were missing when it began."""

    done: int = 0
    began: float = 0.0
    """Monotonic clock, seconds."""

    def words(self, now: float, *, battle_ready: bool) -> str:
        """Return what is being done, how far it is, and when there is something to vote on.

        Args:
            now: Monotonic clock, seconds.
            battle_ready: Whether there is a battle to show; then only the count is told.
        """
        words = f"making answers {self.done} of {self.total}"
        if battle_ready:
            return words
        rate = self.done / (now - self.began) if self.done and now > self.began else 0.0
        if not rate:
            return f"{words}, the first battle in a moment"
        # Pairs come first in the queue, so two answers make a battle.
        missing = 2 - self.done % 2
        return f"{words}, the next battle in about {duration(max(missing / rate, 1))}"
