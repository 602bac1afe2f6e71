"""New files from old ones: curated by decisions, split, mixed, or written in another shape or format.

Every one is written aside and renamed when it is whole; no source is ever changed.
"""
