"""Data sets on the Hugging Face hub: which files of one are wanted, fetched into the usual cache.

Only data files are fetched: no program of a data set is ever run. Which hub, which token and whether it may
be asked at all is what `huggingface_hub` goes by (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`). What was
fetched once is found again without a network.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ftarena.curation.examples import Shape
from ftarena.curation.formats import Format, is_data_file, named_format
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError, from_os_error
from ftarena.text import shorten
from ftarena.workspace import cache_dir, make_private

DEFAULT_SPLIT = "train"
_TIMEOUT_S = 20.0

_ALIASES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Words for a split in the names of files, as the `datasets` library has them."""

_PREFERRED: tuple[Format, ...] = ("parquet", "arrow", "jsonl", "json", "csv", "tsv")


@dataclass(frozen=True)
class Listing:
    """What a repository holds."""

    revision: str
    """Hash of its commit."""

    files: tuple[str, ...]
    configs: tuple[Mapping[str, Any], ...]
    """`configs` of the metadata at the top of its README, which say which files are which split."""


def sources_of(
    name: str,
    split: str | None = None,
    *,
    subset: str | None = None,
    columns: Columns | None = None,
    shape: Shape | None = None,
) -> list[Source]:
    """Return the files of one split of a data set, downloaded.

    Args:
        name: `org/name`.
        split: `train` unless said otherwise; also `SUBSET/SPLIT`, or the name of a subset.
        subset: One of the `configs` of its README, where there are several.
        columns: What its columns mean, where they are not the usual ones.
        shape: What every row must be. None: recognised row by row.

    Raises:
        FtarenaError: There is no such data set, it may not be read, the hub cannot be reached, or it holds
            no files of rows for this split.
    """
    if split and "/" in split:
        subset, _, split = split.partition("/")
    listing = _listing(name)
    files = pick_files(name, listing, split, subset)
    return [
        source_of(_download(name, listing.revision, file), columns=columns, shape=shape) for file in files
    ]


def pick_files(name: str, listing: Listing, split: str | None, subset: str | None) -> list[str]:
    """Return which files of a repository are a split, in order, all of one format.

    The README's metadata decide; without any, words in the names of the files, and without those every data
    file counts as `train`.

    Args:
        name: What the data set is called, for messages.
        listing: What it holds.
        split: Which split. None: `train`, or the only one there is.
        subset: Which of its `configs`. None: the default one, or the only one.

    Raises:
        FtarenaError: There is no such split or subset, or several subsets and none is asked for.
    """
    data = sorted(file for file in listing.files if _is_data(file))
    if not data:
        raise _no_files(name, listing)
    subsets = {
        str(config.get("config_name", "default")): _splits_of(config, data)
        for config in listing.configs
        if "data_files" in config or "data_dir" in config
    }
    if subset is None and split in subsets and split not in subsets.get(_default(listing) or "", {}):
        subset, split = split, None
    if subset is None and subsets:
        subset = _default(listing)
        if subset is None:
            raise FtarenaError(f"{name} has several subsets: {_some(subsets)}", f"write {name}:SUBSET/SPLIT")
    if subset is not None and subset not in subsets:
        there = _some(subsets) if subsets else "none"
        raise FtarenaError(
            f"{name} has no subset {subset!r}; it has {there}",
            f"write {name}:{'SUBSET/' if subsets else ''}SPLIT",
        )
    splits = subsets[subset] if subset is not None else _by_name(data)
    if split is None:
        split = DEFAULT_SPLIT if len(splits) != 1 else next(iter(splits))
    if not splits.get(split):
        raise FtarenaError(
            f"{name} has no split {split!r}; it has {_some(splits) if splits else 'none'}",
            f"write {name}:{f'{subset}/' if len(subsets) > 1 else ''}SPLIT",
        )
    formats = [named_format(Path(file))[0] for file in splits[split]]
    best = min((format for format in formats if format), key=_PREFERRED.index)
    return [file for file, format in zip(splits[split], formats, strict=True) if format == best]


def _is_data(file: str) -> bool:
    path = PurePosixPath(file)
    return is_data_file(Path(file)) and not any(part.startswith(".") for part in path.parts)


def _default(listing: Listing) -> str | None:
    """Return the subset that is meant when none is named; None where that cannot be told."""
    configs = [config for config in listing.configs if "data_files" in config or "data_dir" in config]
    marked = [config for config in configs if config.get("default") is True] or [
        config for config in configs if config.get("config_name", "default") == "default"
    ]
    if marked or len(configs) == 1:
        return str((marked or configs)[0].get("config_name", "default"))
    return None


def _splits_of(config: Mapping[str, Any], data: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of each split as one of the README's `configs` has them."""
    folder = str(config.get("data_dir") or "").strip("/")
    described = config.get("data_files")
    if described is None:
        return _by_name([file for file in data if file.startswith(f"{folder}/")])
    if isinstance(described, str | list) and not any(isinstance(item, Mapping) for item in described):
        described = {DEFAULT_SPLIT: described}
    if isinstance(described, list):
        described = {str(item.get("split", DEFAULT_SPLIT)): item.get("path", []) for item in described}
    if not isinstance(described, Mapping):
        return {}
    found = {}
    for split, patterns in described.items():
        expressions = [
            _expression(f"{folder}/{pattern}" if folder else str(pattern))
            for pattern in ([patterns] if isinstance(patterns, str) else patterns)
        ]
        found[str(split)] = [file for file in data if any(one.fullmatch(file) for one in expressions)]
    return found


def _expression(pattern: str) -> re.Pattern[str]:
    """Return what a pattern of the hub matches: `*` within a folder, `**` across folders."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.removeprefix("./"))
    return re.compile("".join(words.get(piece) or re.escape(piece) for piece in pieces))


def _by_name(data: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of each split by what they are called."""
    splits: dict[str, list[str]] = {}
    for file in data:
        if shard := re.fullmatch(r"(?:.*/)?([A-Za-z][\w.]*)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.\w+", file):
            splits.setdefault(_split_word(shard[1]) or shard[1], []).append(file)
            continue
        # The file's own name says more than its folders'.
        for part in reversed(PurePosixPath(file).parts):
            if split := next(filter(None, map(_split_word, re.findall("[a-z]+", part.lower()))), None):
                splits.setdefault(split, []).append(file)
                break
    return splits or {DEFAULT_SPLIT: list(data)}


def _split_word(word: str) -> str | None:
    return next((split for split, words in _ALIASES.items() if word in words), None)


def _some(names: Iterable[str]) -> str:
    return shorten(", ".join(sorted(names)), 200)


def _no_files(name: str, listing: Listing) -> FtarenaError:
    if any(file == f"{name.rpartition('/')[2]}.py" for file in listing.files):
        return FtarenaError(
            f"{name} is made by a program of its own, and none is run",
            f"the hub often has it as Parquet: hf download {name} --repo-type dataset "
            f"--revision refs/convert/parquet --local-dir DIR, then give the files in DIR",
        )
    return FtarenaError(
        f"{name} holds no files of rows",
        "looked for: .parquet .arrow .jsonl .json .csv .tsv; convert what it holds to one of them",
    )


def _listing(name: str) -> Listing:
    """Return what a data set holds; where the hub cannot be reached, what it held last time."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    org, _, short = name.partition("/")
    record = cache_dir() / "hub" / f"{org}--{short}.json"
    try:
        info = HfApi().dataset_info(name, timeout=_TIMEOUT_S)
    except _failures() as error:
        refused = isinstance(error, HfHubHTTPError) and error.response.status_code < 500
        if not refused and (known := _recorded(record)):
            return known
        raise _refused(name, error) from error
    described = info.card_data.get("configs") if info.card_data else None
    configs = [config for config in described or [] if isinstance(config, Mapping)]
    listing = Listing(
        info.sha or "main", tuple(file.rfilename for file in info.siblings or []), tuple(configs)
    )
    make_private(record.parent)
    with contextlib.suppress(OSError):  # only a convenience
        record.write_text(json.dumps(asdict(listing)))
    return listing


def _recorded(record: Path) -> Listing | None:
    try:
        known = json.loads(record.read_text())
        return Listing(known["revision"], tuple(known["files"]), tuple(known["configs"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _download(name: str, revision: str, file: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, file, repo_type="dataset", revision=revision))
    except _failures() as error:
        raise _refused(name, error) from error


def _failures() -> tuple[type[Exception], ...]:
    """Return what asking the hub can raise; ValueError is an answer that is none of a hub.

    The library changed its HTTP client with 1.0 and again with 2.0: the base of its own error is that of the
    client's errors, whichever it is.
    """
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

    return (*HfHubHTTPError.__bases__, OSError, ValueError, EntryNotFoundError)


def _refused(name: str, error: Exception) -> FtarenaError:
    """Return in words why something cannot be had from the hub."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return FtarenaError(
            f"{name} is gated: its owners ask who reads it",
            "accept its terms on its page, then log in: hf auth login",
        )
    status = error.response.status_code if isinstance(error, errors.HfHubHTTPError) else 0
    if isinstance(error, errors.RepositoryNotFoundError) or status == 401:
        return FtarenaError(
            f"there is no data set {name} on the hub, or it is private",
            "check the name; for a private one log in first: hf auth login",
        )
    if isinstance(error, errors.EntryNotFoundError | errors.RevisionNotFoundError) and not isinstance(
        error, errors.LocalEntryNotFoundError
    ):
        return FtarenaError(f"{name} has changed while it was read", "try again")
    if status:
        said = "too many requests" if status == 429 else f"status {status}"
        return FtarenaError(
            f"the hub does not give {name}: {said}", "try again later, or log in: hf auth login"
        )
    if isinstance(error, OSError) and (said_by_system := from_os_error(error)) is not None:
        return said_by_system
    return FtarenaError(
        f"{name} cannot be fetched: the hub cannot be reached from here",
        "download it elsewhere (hf download --repo-type dataset) and give the files; "
        "if a file here was meant, check the path",
    )
