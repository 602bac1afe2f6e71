"""What people decide about rows, kept beside the file and never in it.

`Decisions` is the book of one file: exclude, edit, relabel, undo. A row is known by its content (`identity`),
so that lines may move; what is decided is appended to a `sidecar`.
"""
