"""JSON that is not one row a line: an array, an object that holds one, indented objects one after the other.

Read as a stream: only the rows of one block are in memory, however large the file. A broken element is one
problem, and reading goes on with the next one. Commas between elements are not insisted on, since nothing is
ambiguous without them.
"""

from collections.abc import Iterator

from ftarena.curation.examples import BadRow
from ftarena.curation.rows.blocks import Blocks
from ftarena.curation.rows.row import Problem, Row
from ftarena.curation.rows.window import Window
from ftarena.curation.sources import Source

OF_A_ROW = frozenset(
    [
        *("messages", "conversations", "conversation", "history", "tools", "system"),
        *("prompt", "completion", "chosen", "rejected", "label", "reference"),
        *("instruction", "input", "output", "question", "answer", "text"),
    ]
)
"""Names by which an object is known for a row, whatever lists are in it."""


def rows_of_objects(source: Source, blocks: Blocks) -> Iterator[Row | Problem]:
    """Yield every element of a JSON file that is a row.

    Args:
        source: Whose rows they are.
        blocks: Its bytes.
    """
    file, text = source.path, Window(blocks)
    line = 0  # of the row before: lines grow, also where several rows share one
    inside = wrapped = False  # in an array of rows; in an object that holds it
    first = True
    while mark := text.skip_to_value():
        if inside and mark == "]":
            text.take(1)
            inside = False
            if wrapped and (wrong := _rest_of_wrapper(text)):
                yield Problem(file, max(text.line, line + 1), None, "shape", wrong)
                return
            continue
        if not inside and mark == "[":
            text.take(1)
            inside, first = True, False
            continue
        if first and mark == "{":
            first = False
            if text.enter_rows(OF_A_ROW.union(source.columns.names.values())):
                inside = wrapped = True
                continue
        line = max(text.line, line + 1)
        try:
            yield Row(file, line, text.value())
        except BadRow as bad:
            yield Problem(file, line, bad.column, bad.code, str(bad))
            text.pass_over()
    line = max(text.line, line + 1)
    if blocks.damage:
        yield Problem(file, line, None, "torn", blocks.damage)
    elif inside:
        wrong = "the file ends inside the array: it was not written to its end, or lacks its last ]"
        yield Problem(file, line, None, "torn", wrong)


def _rest_of_wrapper(text: Window) -> str:
    """Pass over what follows the rows in their object; return what is wrong with it, if anything is."""
    while (mark := text.skip_to_value()) and mark != "}":
        try:
            name = text.value()
            if text.skip_to_value() != ":":
                return f"broken JSON after the rows (line {text.line})"
            text.take(1)
            text.skip_to_value()
            value = text.value()
        except BadRow as bad:
            return f"after the rows: {bad}"
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            return f"a second list of rows, {name!r}: only the first is read; give each a file of its own"
    if mark:
        text.take(1)
    return ""
