"""Data as people have it: reading it line by line, and saying what is wrong with it before a night is lost.

`shapes` says what a row may be, `reading` turns files into examples, each knowing its file and line, for
whoever needs data: training, evaluation, battles. `check` finds what is broken, doubled, contradictory or
leaked. None of them changes a source file, and none needs a model.
"""
