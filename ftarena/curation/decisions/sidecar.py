"""Where the decisions about a data file are kept: a file of lines beside it, that is only ever appended to.

`sft.jsonl` has `sft.jsonl.decisions.jsonl`. Where nothing may be written there (a mounted share, the cache of
a hub, standard input) they lie in the workspace instead. One event is one line of a file that is open for
appending and locked, so two front ends can decide at once; a line that a crash tore off is passed over.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ftarena.curation.formats import DECISIONS as ENDING
from ftarena.curation.spool import is_spooled
from ftarena.errors import FtarenaError, from_os_error
from ftarena.text import shorten
from ftarena.workspace import Workspace, cache_dir, make_private


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sidecar, as it was read."""

    file: Path
    number: int
    value: dict[str, Any] | None
    """The event, or None where the line holds none."""

    torn: bool = False
    """Whether the line has no end: a write that a crash cut short, or one that is under way."""


@dataclass
class Sidecar:
    """The file or files in which the decisions about one data file are."""

    beside: Path
    """The one next to the data."""

    private: Path
    """The one in the workspace."""

    _read: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """For each file, how many bytes and lines of it were returned already."""

    @classmethod
    def of(cls, data: Path) -> "Sidecar":
        """Return the sidecar of a data file; nothing is made or written."""
        name = f"{'stdin' if is_spooled(data) else data.stem[:60]}-{_known_as(data)[:8]}{ENDING}"
        return cls(data.with_name(data.name + ENDING), Workspace.find().root / "decisions" / name)

    @property
    def path(self) -> Path:
        """Where the next event goes: beside the data where that can be written, else into the workspace."""
        if _is_passing(self.beside):
            return self.private
        target = self.beside if self.beside.exists() else self.beside.parent
        return self.beside if os.access(target, os.W_OK) else self.private

    @property
    def note(self) -> str:
        """Return why the events are not beside the data, or nothing where they are."""
        if self.path == self.beside:
            return ""
        return f"decisions about {self.beside.name[: -len(ENDING)]} are kept in {self.private}"

    def new_lines(self) -> Iterator[Line]:
        """Yield the lines that were not returned yet; those beside the data come first.

        A torn line at the end is yielded and will be yielded again, unless it holds a whole event.

        Raises:
            FtarenaError: A file is there but cannot be read.
        """
        for path in (self.beside, self.private):
            offset, number = self._read.get(path, (0, 0))
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    data = file.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise from_os_error(error, str(path)) or FtarenaError(
                    f"{path} cannot be read: {error}"
                ) from error
            for raw in data.splitlines(keepends=True):
                number += 1
                whole = raw.endswith(b"\n")
                value = _event(raw)
                if whole or value is not None:
                    offset += len(raw)
                    self._read[path] = (offset, number)
                if value is not None or raw.strip():
                    yield Line(path, number, value, torn=not whole and value is None)

    def append(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Add events for good: they are on the disk when this returns.

        Raises:
            FtarenaError: The disk refuses; what was there is untouched, and nothing of the events is there.
        """
        path = self.path
        text = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events)
        if path == self.private:
            make_private(path.parent.parent)
            make_private(path.parent)
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                with suppress(
                    OSError
                ):  # some shares have no locks; then two writers at once are not kept apart
                    fcntl.flock(handle, fcntl.LOCK_EX)
                end = os.fstat(handle).st_size
                if end and os.pread(handle, 1, end - 1) != b"\n":
                    text = "\n" + text  # a torn line must not swallow this one
                _write_whole(handle, text.encode("utf-8", "surrogatepass"), end)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            if path.is_symlink():
                raise FtarenaError(
                    f"{path} is a link to {path.readlink()}, which cannot be written: {error.strerror}",
                    "make the link again, or remove it",
                ) from error
            raise from_os_error(error, str(path)) or FtarenaError(
                f"{path} cannot be written: {error}"
            ) from error


def _write_whole(handle: int, data: bytes, end: int) -> None:
    """Append data whole, or not at all: half of many decisions would be in force without a word."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(handle, rest) :]
    except OSError:
        os.ftruncate(handle, end)
        raise


def _is_passing(path: Path) -> bool:
    """Return whether what lies beside a file may be gone tomorrow: a pipe's copy, a cache, our own folder."""
    whole = path.absolute()
    own = any(whole.is_relative_to(folder) for folder in (cache_dir(), Workspace.find().root))
    return own or is_spooled(path) or _of_hub(whole) is not None


def _known_as(data: Path) -> str:
    """Return the digest by which the workspace knows a data file.

    Of what was piped in it is that of its content, since its name is another one every time; of a file of the
    hub that of its name there, whatever revision is in the cache; of others that of their path.
    """
    if is_spooled(data):
        with data.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = data.absolute()
    return hashlib.sha256((_of_hub(whole) or str(whole)).encode()).hexdigest()


def _of_hub(whole: Path) -> str | None:
    """Return data set and file of a path in the hub's cache: …/datasets--ORG--NAME/snapshots/REV/FILE."""
    for place, part in enumerate(whole.parts):
        if part.startswith("datasets--") and whole.parts[place + 1 : place + 2] == ("snapshots",):
            return "/".join((part, *whole.parts[place + 3 :]))
    return None


def describe(line: Line) -> str:
    """Return in words that a line of a sidecar was passed over."""
    why = "its end is missing (a crash, or a write under way)" if line.torn else "it is no decision"
    return shorten(f"{line.file}:{line.number} was passed over: {why}", 300)


def _event(raw: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
