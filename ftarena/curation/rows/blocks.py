"""The bytes of a file, unpacked, in blocks; what is wrong with an archive is known after the last of them."""

import os
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from ftarena.curation.formats import unreadable
from ftarena.curation.sources import Source
from ftarena.errors import FtarenaError
from ftarena.text import clean_line

_LEAST_ZSTD, _MOST_ZSTD = 64, 4096
_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class Blocks:
    """A file's bytes, unpacked, in the order of the file.

    Args:
        source: Where to read.
        size: About how many bytes a block has.
    """

    def __init__(self, source: Source, size: int) -> None:
        self.damage = ""
        """Why there is nothing more to read, where the file does not just end; known after the last block."""

        self._source = source
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        """Yield blocks, none of them empty.

        Raises:
            FtarenaError: There is no such file, or the system refuses.
        """
        path = self._source.path
        try:
            with path.open("rb") as file:
                unpack = {"": self._plain, "gz": self._gzip, "zst": self._zstd}[self._source.compression]
                yield from unpack(file)
        except FileNotFoundError:
            raise FtarenaError(f"there is no file {clean_line(str(path))}", "check the path") from None
        except OSError as error:
            raise unreadable(path, error) from error

    def _plain(self, file: IO[bytes]) -> Iterator[bytes]:
        there, seen = os.fstat(file.fileno()).st_size, 0
        while block := file.read(self._size):
            seen += len(block)
            yield block
        if seen < there:
            self.damage = "the file became shorter while it was read, what followed is missing: start again"

    def _gzip(self, file: IO[bytes]) -> Iterator[bytes]:
        """Unpack by hand: `gzip.open` throws away what it has read when it comes upon the damage."""
        unpacker = zlib.decompressobj(wbits=31)
        whole = True  # at the end of a member; files may be several, one after the other
        while packed := file.read(self._size):
            full = False  # whether more may come out without anything more going in
            while packed or full:
                if unpacker.eof:
                    packed = packed.lstrip(b"\0")  # tapes and some uploads pad with zeros
                    if not packed:
                        break
                    unpacker = zlib.decompressobj(wbits=31)
                try:
                    block = unpacker.decompress(packed, self._size)
                except zlib.error:
                    self.damage = (
                        "the gzip archive is damaged here, what follows is lost: copy the file again"
                    )
                    return
                packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                full = len(block) == self._size and not unpacker.eof
                if block:
                    yield block
            whole = unpacker.eof
        if not whole:
            self.damage = "the gzip archive ends in the middle, what follows is missing: copy the file again"

    def _zstd(self, file: IO[bytes]) -> Iterator[bytes]:
        """Unpack by hand: zstandard's readers take the end of the file for the end of the data."""
        import zstandard

        new: Callable[[], Any] = zstandard.ZstdDecompressor().decompressobj
        unpacker, whole = new(), True
        # Little at a time, since what comes out has no limit: 4 bytes can be 128 KiB, as in rows that repeat.
        piece = _LEAST_ZSTD
        while packed := file.read(piece):
            while packed:
                if unpacker.eof:
                    unpacker = new()
                try:
                    block = unpacker.decompress(packed)
                except zstandard.ZstdError as error:
                    self.damage = (
                        "the zstd archive needs a larger window than is safe: pack it without --long"
                        if "memory" in str(error)
                        else "the zstd archive is damaged here, what follows is lost: copy the file again"
                    )
                    return
                packed = unpacker.unused_data if unpacker.eof else b""
                if block:
                    yield block
                piece = _LEAST_ZSTD if len(block) > self._size else min(piece * 2, _MOST_ZSTD)
            whole = unpacker.eof
        if not whole:
            self.damage = "the zstd archive ends in the middle, what follows is missing: copy the file again"


def foreign_encoding(head: bytes) -> str:
    """Return which encoding a text has that is not UTF-8, with what to do; empty where nothing tells.

    Args:
        head: The beginning of the file.
    """
    if head[:4] in _UTF_32 or (len(head) >= 4 and head[1:4] == b"\0\0\0") or head[:3] == b"\0\0\0":
        return "UTF-32, not UTF-8; to convert it: iconv -f utf-32 -t utf-8 FILE > NEW"
    marked = head.startswith(_UTF_16)
    # Without a mark: in UTF-16 every second byte of a JSON or CSV file's beginning is zero.
    bare = (
        len(head) >= 4 and (head[1:4:2] == b"\0\0" or head[0:4:2] == b"\0\0") and head[:4].strip(b"\0") != b""
    )
    if not (marked or bare):
        return ""
    order = "le" if head.startswith(b"\xff\xfe") or head[1:2] == b"\0" else "be"
    name = "utf-16" if marked else f"utf-16{order}"
    return f"UTF-16, not UTF-8; to convert it: iconv -f {name} -t utf-8 FILE > NEW"
