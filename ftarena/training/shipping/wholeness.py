"""Whether weights on the disk are whole: what the header of a safetensors file promises, against its size.

The format (https://huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the
header, and the tensors end to end. So a torn file is known by its size, without reading the weights.
"""

import json
import struct
from pathlib import Path

from ftarena.errors import FtarenaError
from ftarena.text import size

_LONGEST_HEADER = 100_000_000  # the format's own limit, in bytes


def why_torn(file: Path) -> str:
    """Return what is wrong with a safetensors file, or an empty text where it is as long as it says.

    Args:
        file: The file.

    Raises:
        OSError: It cannot be read.
    """
    there = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        if len(start) < 8:
            return f"it has {there} bytes"
        (length,) = struct.unpack("<Q", start)
        if length > min(_LONGEST_HEADER, there - 8):
            return "its header is cut off, or no header of weights"
        raw = stream.read(length)
    try:
        header = json.loads(raw)
        ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return "its header is no header of weights"
    promised = 8 + length + max(ends, default=0)
    return "" if promised == there else f"it has {size(there)} ({there} bytes), not {promised} bytes"


def check_whole(folder: Path, what: str, hint: str) -> None:
    """Make sure that every file of weights in a folder is whole, and every one that an index names is there.

    Args:
        folder: Of an adapter or a model.
        what: How the message begins, such as `the adapter of the run x`.
        hint: What to do where it is torn.

    Raises:
        FtarenaError: It is torn.
        OSError: It cannot be read.
    """
    files = {file.name: file for file in folder.glob("*.safetensors")}
    for index in folder.glob("*.safetensors.index.json"):
        try:
            named = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
            missing = sorted({str(name) for name in named} - files.keys())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise FtarenaError(f"{what} is torn: {index} cannot be read", hint) from None
        if missing:
            raise FtarenaError(f"{what} is torn: {missing[0]} is missing in {folder}", hint)
    for file in files.values():
        if reason := why_torn(file):
            raise FtarenaError(f"{what} is torn: {file}: {reason}", hint)
