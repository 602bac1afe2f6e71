"""A report in words, the same in every front end. Names appear as they are: who shows them cleans them."""

from math import exp

from ftarena.arena.why.report import FeatureFinding, Kind, ReasonWords, Slice, Span, WhyReport, Word
from ftarena.scoring.words import counted, hundredths, percent


def headline(report: WhyReport) -> str:
    """Return how many votes there are and how they went: "60 votes on 60 prompts: new scores 68 % …"."""
    if report.score is None:
        return f"no votes on them yet; {counted(report.pairs, 'pair')} of answers compared"
    said = f"{counted(report.votes, 'vote')} on {counted(report.prompts, 'prompt')}: {report.one} scores "
    said += f"{percent(report.score.value)}{between(report.score)}, a tie counted half"
    left_out = []
    if report.both_bad:
        left_out.append(f"{report.both_bad:,} both bad")
    if report.without_texts:
        left_out.append(f"{report.without_texts:,} without texts")
    return said + (f"; not counted: {', '.join(left_out)}" if left_out else "")


def between(span: Span) -> str:
    """Return an interval of a share: " (55 to 79)"; nothing where there is none."""
    if span.low is None or span.high is None:
        return ""
    return f" ({hundredths(span.low)} to {hundredths(span.high)})"


def shown(value: float, kind: Kind) -> str:
    """Return how much of a feature a side shows: "27 %" of the answers, or "42.1" on average."""
    if kind == "flag":
        return f"{100 * value:.0f} %"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def worth(found: FeatureFinding, which: Span | None) -> str:
    """Return what a feature is worth as odds: "×0.42 (0.30 to 0.59)"; a dash where it cannot be told."""
    if which is None:
        return "–"
    low, high = (None if end is None else _odds(end) for end in (which.low, which.high))
    return f"×{_odds(which.value)}" + (f" ({low} to {high})" if low and high else "")


def held_equal(report: WhyReport, found: FeatureFinding) -> str:
    """Return the first one's score as it is and with the feature equal: "68 → 52 %"; a dash where untold."""
    if report.score is None or found.held_equal is None:
        return "–"
    return f"{100 * report.score.value:.0f} → {100 * found.held_equal:.0f} %"


def findings_said(report: WhyReport) -> str:
    """Return which features count, in a sentence."""
    if report.votes == 0:
        differ = [found.label for found in report.features if found.differs]
        return f"they differ in: {', '.join(differ)}" if differ else "nothing tells their answers apart"
    count = [found for found in report.features if found.counts]
    turning = [slice_said(part) for part in report.slices if part.turns]
    if not count:
        none = "no feature explains the votes, as far as these votes can tell"
        return f"{none}, but they turn on {turning[0]}" if turning else none
    told = []
    for found in count[:3]:
        liked = found.alone is not None and found.alone.value > 0
        if found.kind == "flag":
            told.append(f"{'liked' if liked else 'disliked'}: {found.label}")
        else:
            told.append(f"liked {'more' if liked else 'less'} of: {found.label}")
    return "; ".join(told)


def word_said(word: Word) -> str:
    """Return a word with the answers that hold it: "certainly (30, 2)"."""
    return f"{word.word} ({word.one}, {word.other})"


def slice_said(part: Slice) -> str:
    """Return a slice without its score: "category: code"."""
    return f"{part.what}: {part.name}"


def judge_said(report: WhyReport, said: ReasonWords) -> str:
    """Return whose reasons follow: "judge:strict, 12 reasons for new, 8 for old"."""
    wins = f"{counted(said.wins[0], 'reason')} for {report.one}, {said.wins[1]:,} for {report.other}"
    return f"{said.judge}, {wins}"


def _odds(logit: float) -> str:
    value = exp(min(max(logit, -20.0), 20.0))
    if value >= 100:
        return ">100"
    if value < 0.01:
        return "<0.01"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
