"""Everything that can be wrong with data, by code: how bad it is, why it hurts, and what to do.

A code is stable: scripts, decisions and the docs refer to it. Severity belongs to the code: an *error* spoils
training or its evaluation for certain, a *warning* is worth a look, a *note* is good to know.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding."""

    name: str
    severity: Severity
    what: str
    """What it is, as the title of a group of findings."""

    why: str
    """Why it hurts, one sentence."""

    remedy: str
    """What to do about it, an imperative."""

    whole_file: bool = False
    """Whether it is about a file as a whole: the line of such a finding is only where to begin to look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and where."""

    code: str
    file: Path
    line: int
    message: str
    twin: tuple[Path, int] | None = None
    """The other place, where two rows are the trouble together."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return CODES[self.code].severity

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return CODES[self.code].remedy


def _codes(*codes: Code) -> dict[str, Code]:
    return {code.name: code for code in codes}


CODES: dict[str, Code] = _codes(
    # Rows that cannot be read
    Code(
        "json",
        "error",
        "broken line",
        "The row cannot be read, so it would be missing from the training.",
        "repair or remove the line",
    ),
    Code(
        "encoding",
        "error",
        "not UTF-8",
        "Guessing an encoding turns letters into other letters, and the model learns those.",
        "convert the file to UTF-8: iconv -f OLD -t utf-8",
    ),
    Code(
        "csv",
        "error",
        "a broken record of a table",
        "Which cell belongs to which column cannot be told.",
        'put cells with commas, quotes or line ends into quotes, and write " inside them as ""',
    ),
    Code(
        "torn",
        "error",
        "a file that is cut off or damaged",
        "The rows after that place are missing from the training.",
        "copy, download or export it again",
    ),
    Code(
        "surrogate",
        "error",
        "half a surrogate pair",
        "It is no character: no tokenizer, server or database takes it.",
        "write both halves, or remove the one",
    ),
    Code(
        "no-rows",
        "error",
        "a file without rows",
        "There is nothing to train on.",
        "check the path",
        whole_file=True,
    ),
    # Rows that are not what they must be
    Code(
        "shape",
        "error",
        "no known shape, or a field is missing",
        "What is the question and what the answer cannot be told, and a guess would be trained on.",
        "rename the fields, or say what the columns mean: --columns prompt=question,completion=answer",
    ),
    Code(
        "field",
        "error",
        "a message lacks a field",
        "A message needs somebody who says it and something that is said.",
        "add the field or remove the line",
    ),
    Code(
        "type",
        "error",
        "wrong type",
        "A number or null where text must be ends a training in the middle of the night.",
        "give the field the expected type",
    ),
    Code(
        "empty",
        "error",
        "an empty or white-space text",
        "An empty answer teaches the model to say nothing.",
        "fill it in or remove the line",
    ),
    Code(
        "no-answer",
        "error",
        "a prompt without an answer",
        "There is nothing to learn from it; it can only be asked.",
        "add an answer; as a question for battles: ftarena prompts add",
    ),
    Code(
        "role",
        "error",
        "unknown role",
        "The chat template either refuses it or renders it as something that no server ever sends.",
        "rename the role to system, user, assistant or tool",
    ),
    Code(
        "order",
        "error",
        "roles out of order, or the last turn is not the assistant's",
        "Most chat templates refuse such a conversation; the others train on something that never happens.",
        "reorder or complete the turns",
    ),
    Code(
        "system",
        "error",
        "a system prompt that does not come first",
        "Most chat templates drop it silently or refuse it.",
        "move it to the beginning",
    ),
    # What the texts hold
    Code(
        "refusal",
        "warning",
        "answers that are refusals or apologies, in bulk",
        "A few hundred of them teach a model to refuse everything.",
        "remove them, unless refusing is what the model is to learn",
    ),
    Code(
        "template-token",
        "warning",
        "tokens of a chat template in the text",
        "The tokenizer's own template adds what is needed; doubled, they teach the model to print them.",
        "remove them from the text",
    ),
    Code(
        "placeholder",
        "warning",
        "a placeholder that was never filled in, or stands for an answer",
        "The model learns to answer with the braces, or with N/A.",
        "replace it by what it stands for",
    ),
    Code(
        "html",
        "warning",
        "tags or entities of HTML in an answer of prose",
        "They are left of the page that the text was taken from, and the model learns to write them.",
        "take them out, or turn them into Markdown",
    ),
    Code(
        "repetition",
        "warning",
        "an answer that says the same over and over",
        "It was made by a model that could not stop; the next model learns not to stop either.",
        "remove the row, or cut the answer where it begins to repeat",
    ),
    Code(
        "cut-off",
        "warning",
        "an answer that stops in the middle of a sentence",
        "It ran into a limit when it was made; the model learns to stop where nobody would.",
        "complete the answer or remove the row",
    ),
    Code(
        "mojibake",
        "warning",
        "text that was decoded with the wrong encoding",
        "The model learns to write the broken letters.",
        "repair the text where it comes from, or edit the row",
    ),
    Code(
        "control",
        "warning",
        "control characters",
        "They are invisible in an editor, are learned like letters, and can drive a terminal.",
        "remove them",
    ),
    Code(
        "language",
        "warning",
        "another language than most of the file",
        "A few foreign rows are usually scraping debris; the model learns to switch languages.",
        "remove them, or keep them on purpose",
    ),
    # Rows that are the trouble together
    Code(
        "duplicate",
        "warning",
        "the same row again",
        "A row that is there n times is learned n times: it is the first to be recited word by word.",
        "remove all but one",
    ),
    Code(
        "near-duplicate",
        "warning",
        "almost the same row again",
        "Near copies count like copies, and shrink what the rest of the data can teach.",
        "keep the better one",
    ),
    Code(
        "contradiction",
        "warning",
        "the same prompt with another answer, or the same answers judged the other way round",
        "The model learns the average of both, which is neither.",
        "keep the better one; two answers can become a preference pair",
    ),
    Code(
        "leak",
        "error",
        "a held-out prompt is also trained on",
        "The result on it says what was memorised, not what was learned.",
        "remove it from one of the two",
    ),
    Code(
        "leak-part",
        "warning",
        "most of a held-out prompt is part of a training row",
        "Its result is likely to be memorised, too.",
        "look at both, and remove one of them if they ask the same",
    ),
    Code(
        "leak-arena",
        "warning",
        "a prompt of the arena is also trained on",
        "Votes on it prefer the model that has seen the answer.",
        "remove it from the data, or leave its battles out of the score",
    ),
    # Preference pairs and labels
    Code(
        "no-preference",
        "error",
        "chosen and rejected are the same",
        "Nothing can be learned from the pair, and its loss never falls.",
        "remove the row",
    ),
    Code(
        "prompts-differ",
        "error",
        "chosen and rejected answer different prompts",
        "The pair compares two questions, not two answers.",
        "give both the same turns before the answer",
    ),
    Code(
        "alike-pair",
        "warning",
        "chosen and rejected are almost the same",
        "DPO then makes both less likely (Razin et al. 2024, arXiv 2410.08847).",
        "remove the row, or make the difference clear",
    ),
    Code(
        "length-bias",
        "warning",
        "the chosen answer is usually the longer one (or the shorter)",
        "The cheapest thing to learn from these pairs is to write more (or less).",
        "balance the pairs by length, or use a length-normalised loss",
        whole_file=True,
    ),
    Code(
        "chosen-worse",
        "warning",
        "the chosen answer is worse by its own markers",
        "The pair looks as if it was labelled the wrong way round.",
        "swap the two, or remove the row",
    ),
    Code(
        "label-imbalance",
        "warning",
        "far more good labels than bad ones (or the reverse)",
        "KTO then learns mostly from one side.",
        "weigh the rarer label: desirable_weight, undesirable_weight; or add rows",
        whole_file=True,
    ),
    # With a model: tokens and what is learned of them
    Code(
        "template",
        "error",
        "the chat template refuses a conversation",
        "The row can neither be trained on nor be served.",
        "complete the conversation, or use a model whose template knows its roles",
    ),
    Code(
        "no-template",
        "error",
        "the model has no chat template",
        "It is not known how a conversation is written for it.",
        "use its instruct or chat variant",
    ),
    Code(
        "too-long",
        "warning",
        "longer than max_length",
        "The run refuses, drops or cuts the row; a cut row unlearns stopping.",
        "raise max_length, shorten the row, or set too_long: drop",
    ),
    Code(
        "answer-cut",
        "error",
        "the cut at max_length leaves no answer",
        "The prompt alone fills max_length, so nothing would be learned from the row.",
        "raise max_length or shorten the prompt",
    ),
    Code(
        "nothing-trained",
        "error",
        "no token of the row carries loss",
        "The loss of such a row is 0 or nan, and its gradients are noise.",
        "see what is learned of it: ftarena data show FILE:LINE --model MODEL",
    ),
    Code(
        "no-end",
        "error",
        "the last trained token is none that the model stops at",
        "The model learns never to stop, and every answer runs into the length limit.",
        "use the tokenizer that belongs to the model, or mend its generation_config's eos_token_id",
    ),
    Code(
        "pad-is-end",
        "note",
        "the padding token is the end token",
        "Trainers that mask padding by its id mask the real end away; ftarena masks by position.",
        "set a padding token of its own before training with another tool",
    ),
    Code(
        "no-generation-marks",
        "note",
        "the chat template has no generation markers",
        "Tools that rely on them train on nothing or on everything; ftarena finds the answers by comparison.",
        "nothing to do here; with TRL's assistant_only_loss add {% generation %} to the template",
    ),
    Code(
        "double-bos",
        "warning",
        "two tokens for the beginning of the text",
        "The text or the template brings the token a second time; serving sends one.",
        "remove it from the text, or use the model's own chat template",
    ),
    Code(
        "prompt-not-prefix",
        "warning",
        "the prompt as asked is not the beginning of the conversation as trained",
        "The template writes an open question otherwise than an answered one; what is learned begins where "
        "the two part.",
        "look at the mask: ftarena data show FILE:LINE --model MODEL",
    ),
    Code(
        "turn-dropped",
        "warning",
        "a message that the chat template leaves out",
        "The model never sees it, neither in training nor when it is served.",
        "say it in the first message of the user, or use a model whose template knows the role",
    ),
    Code(
        "answer-rewritten",
        "note",
        "an earlier answer that is not learned",
        "The template shows it otherwise than it was given, without its thoughts, say; only the answers that "
        "are shown as given are learned.",
        "to learn it, too, make it the last answer of a row of its own",
    ),
    Code(
        "new-tokens",
        "warning",
        "special tokens that the model has no embedding for",
        "An adapter with resized embeddings cannot be served beside its base.",
        "use tokens that the model has, or train it fully",
    ),
    # Secrets and personal data
    Code(
        "secret",
        "warning",
        "a key, token or password",
        "A fine-tuned model can be made to recite it.",
        "revoke it, then remove it from the row",
    ),
    Code(
        "private-key",
        "warning",
        "a private key",
        "A fine-tuned model can be made to recite it.",
        "revoke it, then remove it from the row",
    ),
    Code(
        "email",
        "warning",
        "an e-mail address",
        "A fine-tuned model can be made to recite it, and it belongs to somebody.",
        "replace it, for example by name@example.com",
    ),
    Code(
        "card",
        "warning",
        "a payment card's number",
        "A fine-tuned model can be made to recite it, and its checksum says that it is a real one.",
        "remove it",
    ),
    Code(
        "iban",
        "warning",
        "the number of a bank account",
        "A fine-tuned model can be made to recite it, and its checksum says that it is a real one.",
        "remove it",
    ),
)
"""Every code, in the order in which they are explained in docs/findings.md."""
