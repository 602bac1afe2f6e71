"""What a file is like as tokens: lengths, what is cut, and how much of it is learned."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ftarena.curation.findings import Finding
from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
from ftarena.curation.tokens.drafting import Trouble
from ftarena.curation.tokens.lengths import Lengths
from ftarena.curation.tokens.marking import Marked


class TokenTally:
    """Counts over all examples of a check; small, picklable, and the sum of two is that of both.

    Args:
        tokenizer: The model's.
        max_length: Tokens that an example may have.
        troubles: What is wrong with the model's own files, whatever the data.
    """

    def __init__(self, tokenizer: ChatTokenizer, max_length: int, troubles: tuple[Trouble, ...]) -> None:
        self._model = tokenizer.name
        self._template = tokenizer.template_digest if tokenizer.template else None
        self._max_length = max_length
        self._troubles = troubles
        self._lengths, self._answers = Lengths(), Lengths()
        self._sums = dict.fromkeys(
            ("tokens", "trained", "too_long", "answer_cut", "nothing_trained", "refused", "rewritten"), 0
        )

    def add(self, marked: Marked) -> None:
        """Count one example."""
        sums = self._sums
        if not marked.markings:
            sums["refused"] += 1
            return
        length = marked.length
        self._lengths.add(length)
        for marking in marked.markings:
            sums["tokens"] += len(marking.ids)
            sums["trained"] += marking.trained
            sums["rewritten"] += marking.rewritten
            self._answers.add(marking.trained)
        sums["nothing_trained"] += not any(marking.trained for marking in marked.markings)
        if length > self._max_length:
            sums["too_long"] += 1
            sums["answer_cut"] += marked.cut_leaves_nothing(self._max_length)

    def merge(self, other: "TokenTally") -> None:
        """Count all that another has counted, with the same model and the same `max_length`."""
        self._lengths.merge(other._lengths)
        self._answers.merge(other._answers)
        for key, count in other._sums.items():
            self._sums[key] += count

    def findings(self, file: Path) -> Iterator[Finding]:
        """Yield what is wrong with the model's own files, once.

        Args:
            file: The first file that is checked; the finding stands at its first line.
        """
        for trouble in self._troubles:
            yield Finding(trouble.code, file, 1, trouble.message)

    def stats(self) -> dict[str, Any]:
        """Return everything counted, as JSON values.

        Returns:
            `model`, `template_sha256`, `max_length`, `examples` (those that could be tokenised), `tokens`,
            `trained` and `trained_share` (0 to 1), percentiles of whole examples (`length`) and of what is
            learned of one (`answer`), `histogram` of whole examples, and how many examples are `too_long`,
            have their `answer_cut`, teach nothing (`nothing_trained`) or are `refused` by the template; and
            `rewritten`, the earlier answers that the template shows otherwise than they were given, which
            are not learned. A preference pair is as long as the longer of its two conversations.
        """
        tokens = self._sums["tokens"]
        return {
            "model": self._model,
            "template_sha256": self._template,
            "max_length": self._max_length,
            "examples": self._lengths.count,
            **self._sums,
            "trained_share": round(self._sums["trained"] / tokens, 4) if tokens else 0.0,
            "length": self._lengths.percentiles(),
            "answer": self._answers.percentiles(),
            "histogram": self._lengths.histogram(),
        }
