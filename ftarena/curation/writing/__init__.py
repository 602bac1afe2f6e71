"""Writing data: an example as a row of a named shape, and rows as a file of any format that is read.

`spellings` turns examples into rows, `files` rows into files, `arrow` finds the types that Parquet and Arrow
want, `asides` names what is not finished.
"""

from ftarena.curation.writing.asides import aside_of
from ftarena.curation.writing.files import write_rows
from ftarena.curation.writing.spellings import row_of

__all__ = ["aside_of", "row_of", "write_rows"]
