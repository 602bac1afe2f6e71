"""`ftarena data apply|convert|split|mix`: new files of rows, with their counts and what comes next."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ftarena.curation.sets.apply import apply_decisions
from ftarena.curation.sets.converting import convert as convert_files
from ftarena.curation.sets.manifest import manifest_path
from ftarena.curation.sets.mixing import parse_part
from ftarena.curation.sets.mixing_files import Ingredient, Mix, mix_files
from ftarena.curation.sets.splitting import split_files
from ftarena.curation.sets.usable import dropped_path
from ftarena.errors import UsageError
from ftarena.plain.data_decide import curated_name, stem_of
from ftarena.plain.data_specs import shape_named, sources_by_name, sources_named
from ftarena.plain.unapplied import note_unapplied
from ftarena.scoring.words import counted
from ftarena.text import clean_line, shorten

_RATIO = 0.05


def apply(
    names: Sequence[str],
    out: Path | None,
    *,
    drop_bad: bool,
    overwrite: bool,
    columns: str | None = None,
    shape: str | None = None,
) -> int:
    """Write the curated set; return the exit code 0.

    Raises:
        UsageError: No name for the set, where there are several files.
        FtarenaError: Rows cannot be used, or a file cannot be read or written.
    """
    sources = sources_named(names, columns, shape)
    if out is None:
        if len(sources) > 1:
            raise UsageError(f"{len(sources)} files make one set: what is it called?", "name it: -o FILE")
        out = Path(curated_name(sources[0].path))
    manifest = apply_decisions(sources, out, drop_bad=drop_bad, overwrite=overwrite)
    print(f"{counted(manifest.rows_in, 'row')} in")
    if excluded := manifest.total("excluded"):
        print(f"  {excluded:,} excluded ({_reasons(manifest.by_code)})")
    for what in ("edited", "relabelled"):
        if count := manifest.total(what):
            print(f"  {count:,} {what}")
    if dropped := manifest.total("dropped"):
        print(f"  {dropped:,} dropped, written to {_shown(dropped_path(out))}")
    if strays := manifest.total("strays"):
        print(f"  {strays:,} decisions apply to no row: ftarena data decisions {_shown(sources[0].path)}")
    account = _shown(manifest_path(out))
    print(f"{counted(manifest.rows, 'row')} written to {_shown(out)}, the account to {account}")
    print(f"next: ftarena check {_shown(out)}, then in a recipe: dataset: {_shown(out)}")
    return 0


def convert(
    names: Sequence[str],
    out: Path,
    *,
    shape: str | None,
    columns: str | None,
    lossy: bool,
    drop_bad: bool,
    overwrite: bool,
) -> int:
    """Write files as one file, in another shape or format; return the exit code 0.

    Raises:
        FtarenaError: Something would be lost, rows cannot be used, or a file cannot be read or written.
    """
    sources = sources_named(names, columns)
    note_unapplied(sources)
    done = convert_files(
        sources, out, shape_named(shape), lossy=lossy, drop_bad=drop_bad, overwrite=overwrite
    )
    were = ", ".join(f"{count:,} {name}" for name, count in done.shapes.most_common())
    print(f"{counted(done.rows, 'row')} written to {_shown(out)} (they were: {were})")
    for what, count in done.lost.most_common():
        print(f"  lost in {counted(count, 'row')}: {clean_line(what)}")
    _tell_dropped(done.dropped, out)
    print(f"next: ftarena check {_shown(out)}")
    return 0


def split(
    names: Sequence[str],
    *,
    share: float,
    train: Path | None,
    heldout: Path | None,
    columns: str | None,
    drop_bad: bool,
    overwrite: bool,
) -> int:
    """Write files as two files that share no question; return the exit code 0.

    Raises:
        UsageError: A side would be empty.
        FtarenaError: Rows cannot be used, or a file cannot be read or written.
    """
    sources = sources_named(names, columns)
    note_unapplied(sources)
    stem = stem_of(sources[0].path)
    train, heldout = train or Path(f"{stem}.train.jsonl"), heldout or Path(f"{stem}.heldout.jsonl")
    done = split_files(sources, train, heldout, share, drop_bad=drop_bad, overwrite=overwrite)
    whole = done.train + done.heldout
    print(f"{counted(whole, 'row')}, by what they ask: the same question is never on both sides")
    print(f"  {done.train:,} to train on: {_shown(train)}")
    print(f"  {done.heldout:,} held out ({done.heldout / whole:.1%}): {_shown(heldout)}")
    _tell_dropped(done.dropped, train)
    print(f"next: ftarena check {_shown(train)} --eval {_shown(heldout)}")
    return 0


def mix(
    names: Sequence[str],
    out: Path,
    *,
    replay: Sequence[str],
    ratio: float | None,
    rows: int | None,
    seed: int,
    repeat: bool,
    keep_order: bool,
    columns: str | None,
    shape: str | None,
    drop_bad: bool,
    overwrite: bool,
) -> int:
    """Write a mix of files; return the exit code 0.

    Args:
        names: `FILE`, `FILE=2` (weight), `FILE#500` (at most so many rows).
        out: The file to write.
        replay: General examples, written alike.
        ratio: Their share of the result. None: 0.05.
        rows: Rows of the result without replay.
        seed: Decides which rows are taken, and their order.
        repeat: Whether rows of scarce files may be taken again.
        keep_order: Keep the order of the files instead of shuffling.
        columns: What the columns mean, of those files that have them.
        shape: Write all rows in this shape.
        drop_bad: Leave rows out that cannot be used.
        overwrite: Whether `out` may be replaced.

    Raises:
        UsageError: A file has no rows, or there are too few; a ratio without replay.
        FtarenaError: Rows cannot be used, or a file cannot be read or written.
    """
    if ratio is not None and not replay:
        raise UsageError("--ratio is the share of replay, and there is none", "name it: --replay FILE")
    ratio = _RATIO if ratio is None else ratio
    ingredients, general = _ingredients(names, replay, columns)
    note_unapplied([source for ingredient in (*ingredients, *general) for source in ingredient.sources])
    done = mix_files(
        ingredients,
        out,
        replay=general,
        ratio=ratio,
        seed=seed,
        rows=rows,
        repeat=repeat,
        keep_order=keep_order,
        shape=shape_named(shape),
        drop_bad=drop_bad,
        overwrite=overwrite,
    )
    _tell_mix(done, out, ratio)
    return 0


def _reasons(by_code: Counter[str]) -> str:
    """Return for which findings rows were left out; `by hand` are those without one."""
    return ", ".join(f"{code or 'by hand'}: {rows:,}" for code, rows in by_code.most_common())


def _tell_mix(done: Mix, out: Path, ratio: float) -> None:
    print(f"{counted(done.rows, 'row')} written to {_shown(out)}")
    for taken in done.taken:
        kind = "  replay" if taken.replay else f"  weight {taken.weight:g}" if taken.weight else ""
        share = f"{done.share(taken):.1%}"
        print(f"  {share:>6}  {taken.used:>9,} of {taken.rows:,}  {shorten(taken.name, 40)}{kind}")
    replayed = [taken for taken in done.taken if taken.replay]
    if replayed and done.replay_share < 0.99 * ratio and all(taken.used >= taken.rows for taken in replayed):
        print(
            f"  replay is {done.replay_share:.1%} instead of {ratio:.1%}: there are no more examples for it"
        )
    _tell_dropped(done.dropped, out)
    print(f"next: ftarena check {_shown(out)}")


def _tell_dropped(count: int, out: Path) -> None:
    if count:
        print(f"  {counted(count, 'row')} dropped, written to {_shown(dropped_path(out))}")


def _ingredients(
    names: Sequence[str], replay: Sequence[str], columns: str | None
) -> tuple[list[Ingredient], list[Ingredient]]:
    parts = [(name, None, None) if Path(name).exists() else parse_part(name) for name in (*names, *replay)]
    found = sources_by_name([name for name, _, _ in parts], columns)
    made = [
        Ingredient(name, sources, weight, most)
        for (name, weight, most), sources in zip(parts, found, strict=True)
    ]
    return made[: len(names)], made[len(names) :]


def _shown(path: Path) -> str:
    return clean_line(str(path))
