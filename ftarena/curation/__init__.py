"""Data as people have it: reading it, saying what is wrong with it before a night is lost, and mending it.

From the ground up: `rows` turns files of any format into rows that know their line; `shapes` understands
a row as an `Example`; `foreign`, `hub`, `locating` and `resolving` find the files that a user's words
name; `reading` is what training, evaluation and battles call. `tokens` says which tokens of an example
are learned. `check` finds what is broken, doubled, contradictory or leaked (its codes are in
`findings`). `decisions` keeps what people decide about rows, and `sets` writes curated, split, mixed and
converted files. No source file is ever changed.
"""
