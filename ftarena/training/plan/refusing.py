"""Refusing a run that cannot fit, with what would make it fit."""

from collections.abc import Sequence

from ftarena.errors import FtarenaError
from ftarena.recipes.models import resolve_model, tokenizer_folder
from ftarena.recipes.schema import Recipe
from ftarena.text import clean_line
from ftarena.training.data import RunData
from ftarena.training.plan.planning import Plan, Unfit, measure, plan_of
from ftarena.training.plan.remedies import Remedy
from ftarena.training.plan.shapes import NoConfig

_GIB = 2**30


def admit(recipe: Recipe, data: RunData, *, force: bool = False) -> Plan | None:
    """Return the plan of a run that is about to start on this machine.

    Args:
        recipe: Resolved.
        data: What `load_data` returned for it.
        force: Start it even where it cannot fit.

    Returns:
        The plan, with a batch size in numbers; None where nothing can be said beforehand. What is wrong with
        single examples is then left to the run, which says it with its place.

    Raises:
        Unfit: More layers shall learn than the model has.
        NoConfig: The model's `config.json` cannot be read.
        FtarenaError: It cannot fit, and `force` is not set; or the batch size is `auto` and cannot be told.
    """
    open_size = recipe.per_device_train_batch_size == "auto"
    if tokenizer_folder(resolve_model(recipe.model_name_or_path)) is None and not open_size:
        return None  # converting or downloading a model first is the run's own business
    try:
        plan = plan_of(recipe, measured=measure(recipe, data=data))
    except (Unfit, NoConfig):
        raise
    except FtarenaError:
        if open_size:
            raise
        return None
    if plan.fits or force:
        return plan
    raise FtarenaError(
        f"this run needs about {gib(plan.peak_bytes)} of memory, but {clean_line(plan.card.name)} has "
        f"{gib(plan.card.memory_bytes)}",
        _way_out(plan.remedies),
    )


def changes_of(remedies: Sequence[Remedy]) -> dict[str, str]:
    """Return remedies as options of one command line, each with its last value."""
    changes: dict[str, str] = {}
    for remedy in remedies:
        changes |= remedy.options
    return changes


def gib(n_bytes: float) -> str:
    """Return memory as cards are sold: `20.4 GiB`, small amounts in MiB."""
    return f"{n_bytes / _GIB:,.1f} GiB" if n_bytes >= _GIB / 20 else f"{n_bytes / 2**20:,.0f} MiB"


def _way_out(remedies: Sequence[Remedy]) -> str:
    if remedies and remedies[-1].fits:
        words = " ".join(f"{option} {value}" for option, value in changes_of(remedies).items())
        return f"with {words} it takes {gib(remedies[-1].peak_bytes)}; to try as it is: --force"
    return "use a smaller model or a larger card; to try all the same: --force"
