"""What is about to be trained from the votes, before anything is started: `prepare` returns it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftarena.arena.improving.materials import Material
from ftarena.arena.improving.record import ImproveMethod
from ftarena.arena.improving.smoothing import Smoothing
from ftarena.curation.check import CheckReport
from ftarena.curation.findings import CODES
from ftarena.recipes.schema import Recipe
from ftarena.scoring.words import counted
from ftarena.text import clean_line
from ftarena.training.jobs import Run
from ftarena.training.plan import Plan
from ftarena.workspace import Workspace


@dataclass(frozen=True)
class Improvement:
    """The next run: its pairs, its recipe, and what there is to know about both."""

    workspace: Workspace
    database: Path
    """The arena whose votes these are; who was trained on which prompts is noted there."""

    parent: Run
    """The run that it goes on from."""

    method: ImproveMethod
    folder: Path
    """Where pairs, recipe and record lie. The same votes, parent and wishes make the same folder."""

    recipe: Recipe
    recipe_file: Path
    material: Material
    smoothing: Smoothing
    labelers: int
    """People behind the votes that are trained on."""

    check: CheckReport
    """What is wrong with the pairs."""

    plan: Plan | None
    """What it takes; None where that cannot be said beforehand."""

    unplanned: str
    """Why there is no plan."""

    heldout: int
    """Held-out rows that the run is measured on."""

    heldout_asked: int
    """Rows that the parent was measured on and whose question is trained on now; they are left out."""

    prompts: int
    """Prompts of the arena."""

    fresh: int
    """Those of them that neither the child nor its ancestors by votes were trained on."""

    chance: str = ""
    """Why the votes teach nothing, where labelers agree no more than by chance; else empty."""

    tied: tuple[str, ...] = ()
    """Contestants that the votes do not tell from the parent's."""

    alarms: tuple[str, ...] = ()
    """What the parent's guards found wrong, a line each."""

    run: Run | None = None
    """The run that was already begun from exactly this, unless it failed."""

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield what a person should know before they say yes: (title, words), an empty title going on."""
        yield "parent", f"{clean_line(self.parent.name)} ({clean_line(self.parent.id)})"
        if self.tied:
            named = ", ".join(map(clean_line, self.tied))
            yield "", f"tied with {named}: the votes do not tell them apart; name a run to go on from another"
        for alarm in self.alarms:
            yield "", f"its guards: {clean_line(alarm)}"
        material = self.material
        behind = f"from {counted(len(material.vote_ids), 'vote')} of {counted(self.labelers, 'labeler')}"
        yield "learns from", f"{counted(len(material.rows), material.noun)} {behind}"
        for number, line in enumerate(material.left_out()):
            yield "left out" if not number else "", line
        yield "doubt", self._doubt()
        if self.chance:
            yield "", f"warning: {self.chance}"
        if cut := material.report.cut_off:
            yield (
                "cut off",
                (
                    f"{counted(cut, 'better answer')} ended at the length limit: it teaches not to end"
                    if cut == 1
                    else f"{counted(cut, 'better answer')} ended at the length limit: they teach not to end"
                ),
            )
        yield from self._found()
        yield from self._measured()
        yield from self._planned()

    def _doubt(self) -> str:
        words = self.smoothing.words()
        return f"{words}; kto takes none" if self.method == "kto" else words

    def _found(self) -> Iterator[tuple[str, str]]:
        lines = []
        for code, count in self.check.counts.items():
            severity = CODES[code].severity
            if count and severity != "note":
                first = next(one for one in self.check.findings if one.code == code)
                said = first.message if count == 1 else CODES[code].what
                lines.append(f"{counted(count, severity)}: {clean_line(said)}")
        for number, line in enumerate(lines or ["nothing to complain about"]):
            yield "check" if not number else "", line

    def _measured(self) -> Iterator[tuple[str, str]]:
        yield (
            "held out",
            (
                f"{counted(self.heldout, 'row')} of what the parent was measured on"
                if self.heldout
                else "no held-out loss: nothing is left to measure it on"
            ),
        )
        if self.heldout_asked:
            were = "row whose question is" if self.heldout_asked == 1 else "rows whose questions are"
            yield "", f"without the {self.heldout_asked} {were} trained on now"
        yield (
            "afterwards",
            (
                f"{self.fresh:,} of {counted(self.prompts, 'prompt')} of the arena are new to the child"
                + ("" if self.fresh else ": add some for a fair comparison, ftarena prompts add FILE")
            ),
        )

    def _planned(self) -> Iterator[tuple[str, str]]:
        from ftarena.text import duration
        from ftarena.training.plan.refusing import gib

        if self.plan is None:
            yield "plan", clean_line(self.unplanned)
            return
        steps = counted(self.plan.steps, "step")
        yield (
            "plan",
            (
                f"{steps}, {duration(60 * self.plan.minutes)} in all, {gib(self.plan.peak_bytes)} of "
                f"{gib(self.plan.card.memory_bytes)} on {clean_line(self.plan.card.name)}"
            ),
        )
        if self.plan.lengths.left_out:
            yield "", f"{counted(self.plan.lengths.left_out, self.material.noun)} too long, left out"
        for warning in self.plan.warnings:
            yield "", f"warning: {clean_line(warning)}"
        if not self.plan.fits:
            yield "", f"it does not fit: {gib(-self.plan.spare_bytes)} are missing"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, without the texts."""
        return {
            "parent": self.parent.id,
            "name": self.recipe.name,
            "method": self.method,
            "folder": str(self.folder),
            self.material.noun + "s": len(self.material.rows),
            "kept_out": len(self.material.kept_out),
            "used_before": self.material.used_before,
            "votes": len(self.material.vote_ids),
            "labelers": self.labelers,
            "smoothing": self.smoothing.to_json(),
            "chance": self.chance,
            "tied": list(self.tied),
            "alarms": list(self.alarms),
            "left_out": list(self.material.left_out()),
            "check": {"errors": self.check.errors, "warnings": self.check.warnings}
            | {"counts": {code: count for code, count in self.check.counts.items() if count}},
            "heldout": {"rows": self.heldout, "asked": self.heldout_asked},
            "prompts": {"all": self.prompts, "fresh": self.fresh},
            "plan": self.plan.to_json() if self.plan is not None else None,
            "run": self.run.id if self.run is not None else None,
        }
