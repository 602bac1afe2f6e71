"""Server-sent events: whole events, however the network cuts the bytes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ftarena.serving.sse import EventReader

PIECES = st.lists(st.integers(1, 7), min_size=1)


def read(stream: bytes, cuts: list[int]) -> list[str]:
    reader, events, at = EventReader(), [], 0
    for size in cuts * (len(stream) // len(cuts) + 1):
        events += reader.feed(stream[at : at + size])
        at += size
    return events


@given(st.lists(st.text(), max_size=5), PIECES, st.sampled_from([b"\n", b"\r\n"]))
def test_every_text_arrives_whole(texts: list[str], cuts: list[int], newline: bytes) -> None:
    """An answer with any characters in it, cut anywhere, even inside one, arrives as it was sent."""
    texts = [text.encode(errors="replace").decode() for text in texts]
    sent = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    stream = b"".join(b"data: " + event.encode() + newline * 2 for event in sent)
    assert [json.loads(event)["text"] for event in read(stream, cuts)] == texts


@given(PIECES)
def test_keep_alives_and_other_fields_are_passed_over(cuts: list[int]) -> None:
    """Comments, names and ids of events are not part of an answer; data of several lines is one event."""
    stream = b": ping\n\nevent: chunk\nid: 7\ndata: a\ndata:b\n\n\n: ping\n\ndata: half"
    assert read(stream, cuts) == ["a\nb"]
