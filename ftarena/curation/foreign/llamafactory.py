"""LLaMA-Factory's `dataset_info.json`, read unchanged: which files there are, and what their columns mean.

The format is described in its `data/README.md`; what is not said there is as its `data/parser.py` and
`data/converter.py` have it (version 0.9): once `columns` is given, a column that is not in it is not read.
What is asked and what is answered comes from here; how it is written for the model is its chat template's
business. Not applied is `num_samples`: how many rows are taken is said where sources are mixed.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ftarena.curation.examples import Shape
from ftarena.curation.locating import locate
from ftarena.curation.sources import Columns, Source, source_of
from ftarena.errors import FtarenaError
from ftarena.text import clean_line, shorten

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "observation_tag": "tool",
    "function_tag": "function_call",
    "system_tag": "system",
}
_SHOWN = 5
_MEDIA = ("images", "videos", "audios")
_NOT_READ = {
    "script_url": "a loading script, and no foreign code is run: convert its rows to a file",
    "cloud_file_name": "a file in a cloud: download it, and give it as file_name",
    "ms_hub_url": "a data set of ModelScope's hub: download it, and give it as file_name",
    "om_hub_url": "a data set of Modelers' hub: download it, and give it as file_name",
}

INFO = "dataset_info.json"
"""What the file is called."""


def sources_of(info: Path, name: str | None = None) -> list[Source]:
    """Return the sources that a `dataset_info.json` describes.

    Args:
        info: The file; its `file_name` are relative to its folder.
        name: One of its entries. None: all whose files are there.

    Raises:
        FtarenaError: It cannot be read, has no such entry, or the entry names nothing that can be read.
    """
    entries = _entries(info)
    if name is None:
        here = [key for key in entries if _local(info, entries[key]) is not None]
        sources = [source for key in here for source in _sources(info, key, entries[key])]
        if not sources:
            raise _nothing_there(info, entries)
        return sources
    if name not in entries:
        near = difflib.get_close_matches(name, entries, 3) or list(entries)[:5]
        raise FtarenaError(
            f"{clean_line(str(info))} has no entry {shorten(name, 60)!r}",
            f"it has {', '.join(shorten(key, 40) for key in near)}",
        )
    return _sources(info, name, entries[name])


def shape_and_columns(entry: Mapping[str, Any], where: str = "the entry") -> tuple[Shape, Columns]:
    """Return what an entry says about its rows.

    Args:
        entry: One entry of a `dataset_info.json`, or of a recipe with the same keys.
        where: Its name, for messages.

    Raises:
        FtarenaError: It says something that cannot be.
    """
    formatting = entry.get("formatting", "alpaca")
    given, columns = "columns" in entry, _texts(entry, "columns", where)
    ranking = bool(entry.get("ranking", False))
    if formatting == "alpaca":
        shape, names = _alpaca(columns if given else None, ranking)
    elif formatting in ("sharegpt", "openai"):
        shape, names = _conversations(columns, formatting, ranking)
    else:
        raise FtarenaError(
            f"{where}: formatting is {shorten(str(formatting), 30)!r}",
            "known are alpaca, sharegpt and openai",
        )
    if shape == "preference" and not ("chosen" in columns and "rejected" in columns):
        raise FtarenaError(
            f"{where}: ranking needs the columns chosen and rejected", "add them to its columns"
        )
    names.update({medium: columns[medium] for medium in _MEDIA if medium in columns})
    tags = _texts(entry, "tags", where)
    return shape, Columns(
        names, {ours: tags[theirs] for theirs, ours in _TAGS.items() if theirs in tags}, ranking
    )


def _alpaca(columns: Mapping[str, str] | None, ranking: bool) -> tuple[Shape, dict[str, str]]:
    given = {"prompt": "instruction", "query": "input", "response": "output"} if columns is None else columns
    if not ranking and "response" not in given:
        return "text", {"text": given.get("prompt", "instruction")}
    # An empty name hides a column: one that is not described is not read.
    names = dict.fromkeys(("prompt", "messages", "conversations", "chosen_messages", "completion"), "")
    names |= {ours: given.get(ours, "") for ours in ("history", "system", "tools")}
    names |= {"instruction": given.get("prompt", ""), "input": given.get("query", "")}
    if ranking:
        names |= {ours: given.get(ours, "") for ours in ("chosen", "rejected")}
        return "preference", names
    names |= {"output": given["response"], "label": given.get("kto_tag", ""), "kto_tag": ""}
    return ("kto" if given.get("kto_tag") else "alpaca"), names


def _conversations(
    columns: Mapping[str, str], formatting: str, ranking: bool
) -> tuple[Shape, dict[str, str]]:
    shape: Shape = "sharegpt" if formatting == "sharegpt" else "messages"
    ours, other = ("conversations", "messages") if shape == "sharegpt" else ("messages", "conversations")
    names = dict.fromkeys(("prompt", "instruction", "completion", "chosen_messages", other), "")
    names |= {ours: columns.get("messages", ours)}
    names |= {name: columns.get(name, "") for name in ("system", "tools")}
    if ranking:
        return "preference", names | {name: columns.get(name, "") for name in ("chosen", "rejected")}
    names |= {"label": columns.get("kto_tag", ""), "kto_tag": ""}
    return ("kto" if columns.get("kto_tag") else shape), names


def _sources(info: Path, name: str, entry: Mapping[str, Any]) -> list[Source]:
    where = f"{clean_line(str(info))}:{shorten(name, 60)}"
    shape, columns = shape_and_columns(entry, where)
    if "hf_hub_url" in entry:
        found = locate(_hub_name(entry, where))
    else:
        path = _local(info, entry)
        if path is None:
            raise _not_there(info, entry, where)
        if path.is_dir():
            if path.resolve() == info.parent.resolve():
                raise FtarenaError(
                    f"{where}: file_name is the folder of the description itself", "name a file"
                )
            found = locate(str(path))
        else:
            found = [source_of(path)]
    return [replace(source, shape=shape, columns=columns) for source in found]


def _local(info: Path, entry: Mapping[str, Any]) -> Path | None:
    """Return the file or folder of an entry, where it is one on this machine and there."""
    file_name = entry.get("file_name")
    if any(key.endswith("_url") or key == "cloud_file_name" for key in entry) or not isinstance(
        file_name, str
    ):
        return None
    path = info.parent / file_name
    return path if path.exists() else None


def _nothing_there(info: Path, entries: Mapping[str, Mapping[str, Any]]) -> FtarenaError:
    """Return why a description names no file that is there: what is wrong with its first entries."""
    shown = clean_line(str(info))
    hub = [name for name, entry in entries.items() if "hf_hub_url" in entry]
    if not entries:
        return FtarenaError(f"{shown} describes no data", "see LLaMA-Factory's data/README.md")
    if len(hub) == len(entries):
        return FtarenaError(
            f"{shown}: all it describes is on the hub", f"name one entry: {shown}:{shorten(hub[0], 60)}"
        )
    wrong = [
        _not_there(info, entry, f"{shown}:{shorten(name, 60)}")
        for name, entry in entries.items()
        if name not in hub
    ]
    more = f"\n… and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    said = "\n".join(error.message for error in wrong[:_SHOWN])
    hint = f"name one entry that is on the hub: {shown}:{shorten(hub[0], 60)}" if hub else wrong[0].hint
    return FtarenaError(said + more, hint)


def _not_there(info: Path, entry: Mapping[str, Any], where: str) -> FtarenaError:
    for key, what in _NOT_READ.items():
        if key in entry:
            return FtarenaError(f"{where}: {key} names {what.partition(': ')[0]}", what.partition(": ")[2])
    if "file_name" in entry and not isinstance(entry["file_name"], str):
        return FtarenaError(f"{where}: file_name must be text", "write the name of the file")
    if isinstance(entry.get("file_name"), str):
        path = clean_line(str(info.parent / entry["file_name"]))
        return FtarenaError(f"{where}: there is no file {path}", "file_name is relative to the description")
    return FtarenaError(f"{where}: it names no file", "needed is file_name or hf_hub_url")


def _hub_name(entry: Mapping[str, Any], where: str) -> str:
    url, subset, split = entry["hf_hub_url"], entry.get("subset"), entry.get("split", "train")
    if not all(isinstance(value, str) for value in (url, split)) or not isinstance(subset, str | None):
        raise FtarenaError(f"{where}: hf_hub_url, subset and split must be text", "correct the description")
    if entry.get("folder"):
        raise FtarenaError(
            f"{where}: folder names a part of {clean_line(url)}, which is not read",
            "download that folder, and give it as file_name",
        )
    return f"{url}:{subset}/{split}" if subset else f"{url}:{split}"


def _entries(info: Path) -> dict[str, Mapping[str, Any]]:
    shown = clean_line(str(info))
    try:
        found = json.loads(info.read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except FileNotFoundError:
        raise FtarenaError(f"there is no file {shown}", "check the path") from None
    except OSError as error:
        raise FtarenaError(f"{shown} cannot be read: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        raise FtarenaError(f"{shown}:{error.lineno}: broken JSON: {error.msg.lower()}") from None
    except KeyError as error:
        raise FtarenaError(
            f"{shown}: {shorten(str(error.args[0]), 60)!r} is there twice, and one of the two would be lost",
            "rename or remove one",
        ) from None
    except (ValueError, RecursionError):
        raise FtarenaError(f"{shown} is no JSON in UTF-8", "check the file") from None
    if not isinstance(found, dict):
        raise FtarenaError(f"{shown} holds no object of data sets", "see LLaMA-Factory's data/README.md")
    for name, entry in found.items():
        if not isinstance(entry, dict):
            raise FtarenaError(
                f"{shown}: {shorten(name, 60)!r} is no object", "see LLaMA-Factory's data/README.md"
            )
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; raise `KeyError` with the key that is in it twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise KeyError(key)
        found[key] = value
    return found


def _texts(entry: Mapping[str, Any], key: str, where: str) -> dict[str, str]:
    """Return a mapping of texts; a null in it counts as absent."""
    value = entry.get(key) or {}
    if not isinstance(value, Mapping):
        raise FtarenaError(f"{where}: {key} must be an object", "see LLaMA-Factory's data/README.md")
    found = {name: text for name, text in value.items() if text is not None}
    for name, text in found.items():
        if not isinstance(text, str):
            raise FtarenaError(
                f"{where}: {key}.{shorten(str(name), 30)} must be text", "write the column's name"
            )
    return found
