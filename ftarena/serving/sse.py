"""Server-sent events out of a byte stream: the few rules of the format that OpenAI-compatible servers use.

Lines are split at bytes, not with `str.splitlines` (which httpx's `aiter_lines` uses): servers write JSON
with raw U+2028 or U+0085 inside strings, and those would tear an event apart.
"""

from collections.abc import Iterator


class EventReader:
    """Collects bytes as they arrive, in whatever pieces, and gives back the data of whole events.

    An event without the blank line that ends it is never given back: it is half of one.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[str]:
        """Add bytes and yield the data of each event that they complete.

        Comments (keep-alives) and fields other than `data` are passed over; data of several lines is joined.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", errors="replace")
            if not text:
                if self._data:
                    yield "\n".join(self._data)
                    self._data = []
            elif text.startswith("data:"):
                self._data.append(text[5:].removeprefix(" "))
