"""A run's figures, read while it writes them, for line mode and the full screen alike.

`metrics` reads them as bounded courses, `charts` says which belong together, `standing` puts them into words,
`exporting` into files.
"""
