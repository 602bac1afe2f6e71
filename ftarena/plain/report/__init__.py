"""Scores as files for others: a report that can be mailed, and a picture.

`writing` makes the files; `page` fills the template with what a `View` holds, with charts of `charts`;
`carrying` is the votes inside a report, `recomputing` scores them anew from the file alone; `picture` is PNG.
"""

from ftarena.plain.report.writing import write_picture, write_report

__all__ = ["write_picture", "write_report"]
