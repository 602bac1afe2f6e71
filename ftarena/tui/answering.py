"""Lets the sides of a conversation answer, all at once. No Textual."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from ftarena.errors import FtarenaError
from ftarena.serving.contestants import served_name

if TYPE_CHECKING:
    from ftarena.tui.conversation import Conversation, Side
    from ftarena.tui.desk import Desk


async def answer_all(desk: "Desk", conversation: "Conversation") -> None:
    """Stream every side's answer into it; returns when all have ended.

    A side that fails keeps its error, and the other goes on; in a blind conversation it ends too, since one
    empty side would tell which it is. When cancelled, what has arrived stays and the servers stop.
    Meanwhile no answers are made ahead.
    """
    desk.quiet.clear()
    tasks = [asyncio.create_task(_answer(desk, side)) for side in conversation.sides]
    try:
        for task in asyncio.as_completed(tasks):
            await task
            if conversation.hidden and any(side.error for side in conversation.sides):
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for side in conversation.sides:
            side.end()
        desk.quiet.set()


async def _answer(desk: "Desk", side: "Side") -> None:
    contestant = side.contestant
    try:
        client = await desk.client_for(contestant)
        stream = client.stream(
            served_name(contestant), contestant.messages(side.history), contestant.sampling
        )
        async with aclosing(stream) as chunks:
            async for chunk in chunks:
                side.add(chunk.text, chunk.n_tokens, chunk.finish_reason)
                # Chunks that have already arrived come without a pause, and keys would wait for the last one.
                await asyncio.sleep(0)
    except FtarenaError as error:
        side.error = error
    side.end()
