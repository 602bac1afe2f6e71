"""From a file to rows, each knowing its line; what cannot be parsed becomes a problem and stops nothing.

A file is read in chunks of whole rows, so that files larger than memory can be read, and so that several
processes can share the parsing: a chunk of JSON lines is unparsed bytes until `rows_of` takes it. `lines`,
`objects`, `tables` and `columnar` each know one family of formats, `blocks` knows archives, `values` knows
what JSON may say. None of them knows what a row means.
"""

from ftarena.curation.rows.reading import CHUNK_BYTES, read_chunks, read_row, read_rows, rows_of
from ftarena.curation.rows.row import Chunk, Problem, Row
from ftarena.curation.rows.values import row_digest

__all__ = [
    "CHUNK_BYTES",
    "Chunk",
    "Problem",
    "Row",
    "read_chunks",
    "read_row",
    "read_rows",
    "row_digest",
    "rows_of",
]
