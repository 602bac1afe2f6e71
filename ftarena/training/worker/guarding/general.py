"""General questions as tokens: what a model should still know when it has learned something else."""

from collections.abc import Sequence

from ftarena.curation.examples import Example
from ftarena.curation.tokens import ChatEncoder, ChatTokenizer, Encoded
from ftarena.training.worker.job import Job


def encode_general(job: Job, chat: ChatTokenizer, examples: Sequence[Example]) -> list[Encoded]:
    """Return general questions with their answers as tokens; those above `max_length` are left out, and told.

    Args:
        job: The run.
        chat: The tokenizer of its model.
        examples: Questions with reference answers; may be empty.

    Raises:
        FtarenaError: The model's chat template refuses one.
    """
    limit = job.recipe.max_length
    encoded = list(ChatEncoder(chat).encode(examples))
    kept = [one for one in encoded if len(one.input_ids) <= limit]
    if len(kept) < len(encoded):
        job.reporter.event(
            "general-too-long",
            f"{len(encoded) - len(kept)} of {len(encoded)} general questions are longer than max_length "
            f"{limit} and are not measured on",
            examples=len(encoded) - len(kept),
        )
    return kept
