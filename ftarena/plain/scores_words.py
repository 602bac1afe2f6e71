"""The sentences and small tables around scores that text and report share. Names in them are cleaned."""

from collections.abc import Mapping, Sequence

from ftarena.arena.standings.labelers import LabelerReport
from ftarena.arena.standings.scoreboard import Standing
from ftarena.evaluation.beside import Beside
from ftarena.evaluation.measures import Measure
from ftarena.plain.scores_view import View
from ftarena.scoring.words import counted, hundredths, percent
from ftarena.text import clean_line

_VAGUE_LOGITS = 4.0
"""Width of an interval of the side bias that tells nothing: from 12 % to 88 % left, or wider."""

MOST_BESIDE = 6
"""Contestants that a table of measurements has columns for."""


def size_words(told: Standing) -> str:
    """Return how much was voted: `100 votes, 2 labelers, 60 prompts`."""
    who = "labeler" if told.asked.selection.voters == "people" else "judge"
    return ", ".join(
        (
            counted(told.report.votes, "vote"),
            counted(told.labelers, who),
            counted(told.prompts, "prompt"),
        )
    )


def selection_words(told: Standing, called: Mapping[str, str] | None = None) -> list[str]:
    """Return what was asked for beyond the usual, a phrase each.

    Args:
        told: What the votes say.
        called: What labelers are called, where they are not to be named.
    """
    chosen = told.asked.selection
    labelers = chosen.labelers
    if labelers is not None and called is not None:
        labelers = [called.get(name, "L?") for name in labelers]
    words = []
    if chosen.voters == "judges":
        words.append("votes of judges only, not of people")
    if chosen.criterion is not None:
        words.append(f"by the criterion {clean_line(chosen.criterion)}")
    for name, values in (
        ("of", labelers), ("in", chosen.categories), ("between", chosen.contestants),
    ):  # fmt: skip
        if values is not None:
            words.append(f"{name} {' and '.join(clean_line(value) for value in sorted(values))}")
    if chosen.since is not None:
        words.append(f"since {clean_line(chosen.since)}")
    if chosen.until is not None:
        words.append(f"before {clean_line(chosen.until)}")
    if chosen.leaked:
        words.append("with battles in which an answer gave itself away")
    if not chosen.trained:
        words.append("without prompts that a run was trained on")
    return words


def quality_words(told: Standing) -> list[str]:
    """Return whether people just voted left, and how far they agree."""
    lines = []
    bias = told.report.side_bias
    if bias.left_rate is not None:
        line = f"The left side won {percent(bias.left_rate)} of decisive votes"
        if bias.gamma is not None and bias.low is not None and bias.high is not None:
            if bias.high - bias.low > _VAGUE_LOGITS:
                line += "; too few to tell a side bias"
            else:
                none = bias.low <= 0 <= bias.high
                line += f"; side bias {bias.gamma:+.2f} ({bias.low:+.2f} to {bias.high:+.2f})"
                line += ", none to be seen" if none else ", so people do favour a side"
        lines.append(line + ".")
    agreed = told.report.agreement
    if agreed is not None:
        alpha = "" if agreed.alpha is None else f", Krippendorff's alpha {agreed.alpha:.2f}"
        lines.append(
            f"Labelers agree on {percent(agreed.raw)} of shared battles"
            f" ({counted(agreed.units, 'battle')}, {counted(agreed.labelers, 'labeler')}){alpha}."
        )
    return lines


def judge_words(told: Standing) -> list[str]:
    """Return how far judges agree with these people, a sentence each. Their votes are in no number above."""
    lines = []
    for judge in told.judges:
        line = f"{clean_line(judge.name)} ({counted(judge.votes, 'vote')}, not counted above)"
        if judge.shared:
            line += f" agrees with people on {percent(judge.raw)} of {counted(judge.shared, 'shared battle')}"
        else:
            line += " shares no battle with people"
        marks = [("kappa", judge.kappa), ("alpha", judge.alpha)]
        line += "".join(f", {name} {value:.2f}" for name, value in marks if value is not None)
        if judge.consistent_share is not None:
            line += f"; the same in both orders in {percent(judge.consistent_share)} of battles"
        lines.append(line + ".")
    return lines


def left_out_words(told: Standing) -> list[str]:
    """Return what is not in the numbers, or is and should be known; a sentence each."""
    lines = []
    if told.not_blind:
        lines.append(f"Not scored: {counted(told.not_blind, 'vote')} cast again with the names known.")
    if told.leaked:
        lines.append(
            f"Not scored: {counted(told.leaked, 'vote')} on battles in which an answer gave itself away"
            " (--leaked counts them)."
        )
    if told.repeats:
        lines.append(f"Not scored: {counted(told.repeats, 'vote')} on repeated battles.")
    if told.trained and told.asked.selection.trained:
        lines.append(
            f"Careful: {counted(told.trained, 'vote')} on prompts that a contestant's run was trained on"
            " (--untrained leaves them out)."
        )
    elif told.trained:
        lines.append(
            f"Not scored: {counted(told.trained, 'vote')} on prompts that a contestant's run was trained on."
        )
    style = told.style
    if style is not None and style.without_texts:
        lines.append(
            f"Held equal without {counted(style.without_texts, 'vote')} whose answers are not in the arena."
        )
    return lines


LABELER_HEAD = ("labeler", "votes", "skipped", "median", "left", "ties", "with self", "with others")


def labeler_cells(report: LabelerReport, called: str | None = None) -> tuple[str, ...]:
    """Return a labeler as the cells of a table, see `LABELER_HEAD`; flags are apart.

    Args:
        report: The labeler.
        called: What to call them; their name if None.
    """
    with_self = f"{percent(report.self_agreement)} of {report.n_repeats}" if report.n_repeats else "–"
    with_others = f"{percent(report.agreement_with_others)} of {report.n_shared}" if report.n_shared else "–"
    return (
        clean_line(called or report.name),
        f"{report.votes:,}",
        f"{report.skipped:,}",
        "–" if report.median_s is None else f"{report.median_s:.1f} s",
        percent(report.left_share),
        percent(report.ties),
        with_self,
        with_others,
    )


def beside_names(view: View) -> list[str]:
    """Return whose measurements a table has columns for."""
    return [one.contestant for one in view.beside if one.measures][:MOST_BESIDE]


def beside_rows(told: Sequence[Beside], names: Sequence[str]) -> list[tuple[str, list[Measure | None]]]:
    """Return what was measured beside preference: a row a measure, a place for each name."""
    by_name = {one.contestant: {m.name: m for m in one.measures} for one in told}
    kinds = dict.fromkeys(m.name for name in names for m in by_name[name].values())
    return [(kind, [by_name[name].get(kind) for name in names]) for kind in kinds]


def difference_name(told: Sequence[Beside]) -> str:
    """Return what a row of differences is called: `difference to base`."""
    against = next((one.against for one in told if one.against), "")
    return f"difference to {clean_line(against)}" if against else "difference"


def measure_words(measure: Measure | None) -> str:
    """Return a measure's value: `1.43`, `62 %`, `48 tokens`; a dash where there is none."""
    if measure is None:
        return "–"
    if measure.unit == "share":
        return percent(measure.value)
    if measure.unit == "nats/token":
        return f"{measure.value:.2f}"
    return f"{measure.value:.3g} {measure.unit}"


def difference_words(measure: Measure | None) -> str:
    """Return how a measure differs from the baseline's, with its interval; empty where that is not known."""
    if measure is None or measure.difference is None or measure.low is None or measure.high is None:
        return ""
    values = (measure.difference, measure.low, measure.high)
    if measure.unit == "share":
        return "{:+.0f} ({:+.0f} to {:+.0f}) points".format(*(100 * value for value in values))
    return "{:+.2g} ({:+.2g} to {:+.2g})".format(*values)


def interval_words(low: float | None, high: float | None) -> str:
    """Return an interval of shares in percent: `62 to 83`."""
    return "" if low is None or high is None else f"{hundredths(low)} to {hundredths(high)}"
