"""Examples as a model sees them: rendered by its chat template, as tokens, and which of them are learned.

There is one mask logic: what `check` reports, what the mask view shows and what training learns come from
`marking`. Loading a tokenizer here imports no torch; importing this package imports no tokenizer.
"""

from ftarena.curation.tokens.chat_tokenizer import ChatTokenizer
from ftarena.curation.tokens.checking import TokenChecker, TokenSpec
from ftarena.curation.tokens.encoding import (
    IGNORED,
    ChatEncoder,
    Encoded,
    EncodedLabelled,
    EncodedPair,
    EncodedQuestion,
)
from ftarena.curation.tokens.histogram import draw_histogram
from ftarena.curation.tokens.mask import MaskedToken, MaskView, mask_views
from ftarena.curation.tokens.tally import TokenTally

__all__ = [
    "IGNORED",
    "ChatEncoder",
    "ChatTokenizer",
    "Encoded",
    "EncodedLabelled",
    "EncodedPair",
    "EncodedQuestion",
    "MaskView",
    "MaskedToken",
    "TokenChecker",
    "TokenSpec",
    "TokenTally",
    "draw_histogram",
    "mask_views",
]
