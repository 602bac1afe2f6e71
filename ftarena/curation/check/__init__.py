"""What is wrong with data: broken rows, doubles, contradictions, leakage, debris, secrets, lost answers.

Every finding has a stable code, a severity, a place and a remedy (`ftarena.curation.findings`). `texts` and
`pairs` judge a row by itself and `tallies` a whole file; `duplicates`, `near` and `leakage` compare rows,
from what `examining` keeps of each; `sharing` spreads the work over processes and `run` puts it together.
Numeric libraries are loaded only when something is checked.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ftarena.curation.check.report import CheckReport, Progress, finding_json
from ftarena.curation.sources import Source, source_of

if TYPE_CHECKING:
    from ftarena.curation.tokens.checking import TokenSpec

__all__ = ["CheckReport", "Progress", "check_files", "check_sources", "finding_json"]


def check_sources(
    train: Sequence[Source],
    heldout: Sequence[Source] = (),
    *,
    arena_prompts: Sequence[str] = (),
    tokens: "TokenSpec | None" = None,
    processes: int | None = None,
    keep: int = 1000,
    on_progress: Callable[[Progress], None] | None = None,
) -> CheckReport:
    """Check training data, and that what is held out is not in them.

    Args:
        train: What is or will be trained on: every row needs an answer.
        heldout: What is kept aside for evaluation; prompts without an answer are fine here, as questions.
        arena_prompts: The texts of the arena's prompts: votes on what was trained on are not fair.
        tokens: The model whose tokens are looked at, too. None: no model is needed.
        processes: How many to use. None: one for each processor, at most eight. Small data are
            always checked in this one.
        keep: How many findings of a code the report keeps; all are counted.
        on_progress: Called every now and then, in this thread.

    Raises:
        FtarenaError: A file cannot be read at all, the temporary folder is full, or a process was ended from
            outside.
    """
    from ftarena.curation.check.run import run_check

    return run_check(
        train,
        heldout,
        arena_prompts=arena_prompts,
        tokens=tokens,
        processes=processes,
        keep=keep,
        on_progress=on_progress,
    )


def check_files(files: Sequence[Path], eval_files: Sequence[Path] = ()) -> CheckReport:
    """Check training files against held-out files.

    Args:
        files: Files that are or will be trained on.
        eval_files: Files kept aside for evaluation.

    Raises:
        FtarenaError: A file cannot be read at all.
    """
    return check_sources([source_of(path) for path in files], [source_of(path) for path in eval_files])
