"""Examples in two parts, to train on and to test with, with no prompt in both."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from ftarena.errors import FtarenaError
from ftarena.store.ids import content_hash


class OfPrompt(Protocol):
    """An example of a prompt."""

    @property
    def prompt_id(self) -> str:
        """Id of the prompt."""
        ...


Example = TypeVar("Example", bound=OfPrompt)


def split_by_prompt(
    examples: Sequence[Example], share: float, seed: int = 42
) -> tuple[list[Example], list[Example]]:
    """Return the examples to train on and those that are held out, each in the order given.

    Whether a prompt is held out depends on its id and the seed alone, so one that was held out stays so when
    there are more votes. Where that leaves one part empty, one prompt goes there, if there are two.

    Args:
        examples: Preference pairs, or KTO examples.
        share: How many of the prompts to hold out, 0 to below 1, on average.
        seed: Another one holds out other prompts.

    Raises:
        FtarenaError: The share is none.
    """
    if not 0 <= share < 1:
        raise FtarenaError(f"a share of {share:g} cannot be held out", "0 or more and below 1, e.g. 0.1")
    places = {
        example.prompt_id: int(content_hash("held out", seed, example.prompt_id), 16) / 2**128
        for example in examples
    }
    held = {prompt for prompt, place in places.items() if place < share}
    if share and len(places) > 1:
        if not held:
            held = {min(places, key=places.__getitem__)}
        elif len(held) == len(places):
            held.discard(max(places, key=places.__getitem__))
    return (
        [example for example in examples if example.prompt_id not in held],
        [example for example in examples if example.prompt_id in held],
    )
