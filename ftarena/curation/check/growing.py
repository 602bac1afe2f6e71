"""Columns of numbers that grow on disk instead of in memory: bytes a row, for any number of rows."""

import errno
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ftarena.errors import FtarenaError


class GrowingColumns:
    """Columns of equal length in nameless temporary files, gone with the process however it ends.

    Args:
        types: The columns by name, and what each holds.
        widths: How many numbers a row has, for columns that have several.

    Raises:
        FtarenaError: No temporary file can be made.
    """

    def __init__(self, types: Mapping[str, DTypeLike], widths: Mapping[str, int] | None = None) -> None:
        self._types = {name: np.dtype(kind) for name, kind in types.items()}
        self._widths = dict(widths or {})
        self._files: dict[str, IO[bytes]] = {}
        self.rows = 0
        try:
            for name in types:
                self._files[name] = tempfile.TemporaryFile(prefix="ftarena-")  # noqa: SIM115 - `close` does
        except OSError as error:
            self.close()
            raise _not_written(error) from error

    def __enter__(self) -> "GrowingColumns":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Add rows.

        Args:
            arrays: An array of the same number of rows for every column.

        Raises:
            FtarenaError: The disk is full, or the temporary folder cannot be written.
        """
        try:
            for name, kind in self._types.items():
                self._files[name].write(np.ascontiguousarray(arrays[name], dtype=kind).data)
        except OSError as error:
            raise _not_written(error) from error
        self.rows += len(arrays[next(iter(self._types))])

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, read from disk where it is looked at; it must not be changed.

        Raises:
            FtarenaError: What was added last could not be written.
        """
        width = self._widths.get(name)
        shape = (self.rows,) if width is None else (self.rows, width)
        if not self.rows:  # an empty file cannot be mapped
            return np.empty(shape, dtype=self._types[name])
        try:
            self._files[name].flush()
        except OSError as error:
            raise _not_written(error) from error
        return np.memmap(self._files[name], dtype=self._types[name], mode="r", shape=shape)

    def close(self) -> None:
        """Remove the files."""
        for file in self._files.values():
            try:
                file.close()
            except OSError:  # what is still buffered does not fit the disk; it is not wanted any more
                continue


def _not_written(error: OSError) -> FtarenaError:
    folder = tempfile.gettempdir()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FtarenaError(
            f"the disk of the temporary folder {folder} is full",
            "a check needs about 300 bytes a row there; point TMPDIR at a folder with more room",
        )
    return FtarenaError(
        f"the temporary folder {folder} cannot be written: {error.strerror or error}",
        "point TMPDIR at a folder that can",
    )
