"""Why two contestants differ: how their answers look, what of it explains the votes, and where it turns.

    report = why(store, "sft-1", "base")

No model is asked: everything is counted in texts that are there. `features` says what an answer shows,
`reading` fetches votes with their texts, `effects` holds features against the votes, `wording` finds the
words that tell the two apart, `slicing` the prompts on which the verdict turns, `reasons` what a judge
said, and `report` is what comes out. Swapping the two names mirrors all of it.
"""

from ftarena.arena.why.explaining import why
from ftarena.arena.why.report import FeatureFinding, ReasonWords, Slice, WhyReport, Word

__all__ = ["FeatureFinding", "ReasonWords", "Slice", "WhyReport", "Word", "why"]
