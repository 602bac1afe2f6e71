"""Data as people have it: reading it line by line, and saying what is wrong with it before a night is lost.

`reading` turns files into examples, each knowing its file and line. `check` finds what is broken, doubled,
contradictory or leaked. Neither changes a source file, and neither needs a model.
"""
