"""Votes in the files of other programs.

`reading` gives the records of a file, `formats` tells whose they are and reads them with the module of that
program: LMArena and FastChat, AlpacaEval, Argilla, Label Studio, and ftarena's own JSONL. `words` has what
they share. Nothing here knows the database.
"""

from ftarena.store.foreign.formats import FORMATS, Reading, read_foreign

__all__ = ["FORMATS", "Reading", "read_foreign"]
