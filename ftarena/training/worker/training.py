"""One run from its recipe to its adapter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import datasets
import transformers

from ftarena.curation.findings import CODES
from ftarena.curation.tokens import ChatEncoder, Encoded, EncodedPair
from ftarena.errors import FtarenaError
from ftarena.processes import write_json
from ftarena.recipes.models import resolve_model
from ftarena.recipes.schema import Recipe
from ftarena.training.data import load_data, write_dropped
from ftarena.training.models import prepare_model
from ftarena.training.runs import DATA_LOCK, DROPPED, RunState
from ftarena.training.worker import artifacts
from ftarena.training.worker.callback import RunCallback
from ftarena.training.worker.heldout import heldout_loss
from ftarena.training.worker.loading import add_adapter, end_tokens, load_base, load_tokenizer, plan
from ftarena.training.worker.reporter import Reporter
from ftarena.training.worker.stopping import StopFlag
from ftarena.training.worker.tokens import chat_tokenizer
from ftarena.training.worker.trainers import dpo_trainer, sft_trainer

_T = TypeVar("_T", Encoded, EncodedPair)


def train(directory: Path, recipe: Recipe, reporter: Reporter, stop: StopFlag) -> RunState:
    """Do what the recipe says and leave the result in the run's folder.

    Args:
        directory: The run's folder.
        recipe: Resolved recipe; `init_from` is a folder.
        reporter: Where everything is told.
        stop: Set when someone asks to stop.

    Returns:
        `FINISHED`, or `STOPPED` where it ended early on request; the adapter is saved in both cases.

    Raises:
        FtarenaError: The recipe and the data or the machine do not fit, or the loss became nonsense.
        StopRequested: Someone asked to stop before the first step.
    """
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    transformers.set_seed(recipe.seed)
    machine = plan(recipe)
    data = load_data(recipe)
    if data.dropped:
        write_dropped(data.dropped, directory / DROPPED)
        reporter.event(
            "dropped",
            f"{len(data.dropped)} rows cannot be used and were left out: {DROPPED}",
            rows=len(data.dropped),
        )
    if replay := data.lock.get("replay"):
        reporter.event(
            "replay", f"{replay['rows']} rows are replay, {replay['share']:.1%} of all", rows=replay["rows"]
        )

    reporter.doing(RunState.PREPARING, f"loading {recipe.model_name_or_path}")
    base = prepare_model(
        resolve_model(recipe.model_name_or_path), lambda line: reporter.doing(RunState.PREPARING, line)
    )
    tokenizer = load_tokenizer(base)
    model = load_base(base, recipe, machine)
    end_ids = end_tokens(model, tokenizer)
    chat = chat_tokenizer(base, tokenizer, end_ids, recipe.model_name_or_path, data.train)
    artifacts.save_environment(directory, base=base, machine=machine, tokenizer=chat, end_ids=end_ids)

    n_examples = len(data.train) + len(data.heldout)
    reporter.doing(RunState.PREPARING, f"tokenising {n_examples} examples")
    encoder = ChatEncoder(chat)
    fit = _Fitter(recipe, reporter, data.lock)
    heldout = fit.answers(list(encoder.encode(data.heldout)), "heldout")
    answers: list[Encoded] = []
    pairs: list[EncodedPair] = []
    if recipe.method == "sft":
        answers = fit.answers(list(encoder.encode(data.train)), "train")
    else:
        pairs = fit.pairs(list(encoder.encode_pairs(data.train)))
    for code, count in encoder.noticed.items():
        reporter.event(code, f"{CODES[code].what}: {count} of {n_examples} examples", examples=count)
    write_json(directory / DATA_LOCK, data.lock)

    reporter.doing(RunState.PREPARING, "setting up the trainer")
    model = add_adapter(model, recipe)

    def measure() -> float | None:
        return heldout_loss(
            trainer.model,
            heldout,
            batch_size=recipe.per_device_eval_batch_size,
            pad_id=tokenizer.pad_token_id,
            bf16=machine.bf16,
            stop=lambda: stop.requested,
        )

    callback = RunCallback(reporter, recipe, stop, measure if heldout else None)
    trainer: Any = (
        sft_trainer(model, tokenizer, answers, recipe, machine, directory, callback)
        if recipe.method == "sft"
        else dpo_trainer(model, tokenizer, pairs, recipe, machine, directory, callback)
    )
    stop.wait_for_step()
    trainer.train()

    reporter.doing(RunState.EVALUATING, "saving the adapter")
    artifacts.save_adapter(directory, trainer.accelerator.unwrap_model(trainer.model), tokenizer)
    artifacts.save_card(directory, recipe, data.lock, callback.losses)
    best = artifacts.link_best(directory, callback.losses)
    if best is not None:
        reporter.event(
            "best", f"best checkpoint: step {best}, held-out loss {callback.losses[best]:.3f}", step=best
        )
    done_early = trainer.state.global_step < trainer.state.max_steps
    return RunState.STOPPED if stop.requested and done_early else RunState.FINISHED


class _Fitter:
    """Holds examples against `max_length`, and counts what it finds."""

    def __init__(self, recipe: Recipe, reporter: Reporter, lock: dict[str, Any]) -> None:
        self._recipe = recipe
        self._reporter = reporter
        self._lock = lock

    def answers(self, examples: list[Encoded], part: str) -> list[Encoded]:
        """Return the examples that fit, and tell how many tokens there are.

        Raises:
            FtarenaError: Examples are too long and the recipe does not say what to do, or none is left.
        """
        if not examples:
            return []
        limit = self._recipe.max_length

        kept = self._fit(examples, part, lambda one: len(one.input_ids), lambda one: one.cut(limit))
        trained = sum(one.trained for one in kept)
        tokens = sum(len(one.input_ids) for one in kept)
        self._reporter.event(
            f"{part}-data",
            f"{part}: {len(kept)} examples, {tokens} tokens, {trained} of them answers, each ending its turn",
            examples=len(kept),
            tokens=tokens,
            answer_tokens=trained,
        )
        return kept

    def pairs(self, pairs: list[EncodedPair]) -> list[EncodedPair]:
        """Return the pairs that fit and tell the answers apart, and say how many there are.

        Raises:
            FtarenaError: As for `answers`; or a pair's answers are the same tokens.
        """
        limit = self._recipe.max_length
        for pair in pairs:
            if pair.chosen_ids == pair.rejected_ids:
                raise FtarenaError(
                    f"{pair.example.file}:{pair.example.line}: chosen and rejected are the same",
                    "remove the row",
                )

        kept = self._fit(pairs, "train", lambda pair: pair.length, lambda pair: pair.cut(limit))
        tokens = sum(
            2 * len(pair.prompt_ids) + len(pair.chosen_ids) + len(pair.rejected_ids) for pair in kept
        )
        self._reporter.event(
            "train-data", f"train: {len(kept)} pairs, {tokens} tokens", examples=len(kept), tokens=tokens
        )
        return kept

    def _fit(
        self, items: list[_T], part: str, length: Callable[[_T], int], cut: Callable[[_T], _T | None]
    ) -> list[_T]:
        limit, what = self._recipe.max_length, self._recipe.too_long
        long = [item for item in items if length(item) > limit]
        if long:
            first = long[0].example
            found = (
                f"{len(long)} of {len(items)} {part} examples are longer than max_length {limit} "
                f"(longest {max(map(length, long))} tokens, first {first.file}:{first.line})"
            )
            if what == "error":
                raise FtarenaError(found, "raise max_length, or set too_long: drop (or truncate)")
            shortened = [cut(item) if what == "truncate" else None for item in long]
            by_item = dict(zip(map(id, long), shortened, strict=True))
            items = [kept for item in items if (kept := by_item.get(id(item), item)) is not None]
            dropped = sum(item is None for item in shortened)
            self._lock[f"{part}_too_long"] = {
                "dropped": dropped,
                "truncated": len(long) - dropped,
                "rows": [f"{item.example.file}:{item.example.line}" for item in long],
            }
            self._reporter.event("too-long", f"{found}: {dropped} dropped, {len(long) - dropped} truncated")
        if not items:
            raise FtarenaError(f"no {part} example fits into max_length {limit}", "raise max_length")
        return items
