"""A model that votes: each pair of answers in both orders, and only what does not turn with the order counts.

    done = await judge(store, "strict", ask, prompts=100)

A judge is a labeler of its own kind, named `judge:NAME`; its votes are never mixed with people's. It sees
what people see: the question and two answers, no names. `rubric` is what it is told, `parsing` reads what
it says, `assigning` gives it battles (committed before it is asked), `recording` keeps what it decided,
`asking` puts the question to an endpoint, and `judging` does it all for a number of prompts, and goes on
where it stopped.
"""

from ftarena.arena.judging.judging import Ask, Judged, judge
from ftarena.arena.judging.recording import JudgeTally, judge_tallies

__all__ = ["Ask", "JudgeTally", "Judged", "judge", "judge_tallies"]
