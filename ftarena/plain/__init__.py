"""The use cases in line mode: for pipes, scripts, screen readers and dumb terminals. Prints, asks, exits.

One file a command; each returns the exit code and leaves errors to `cli`.
"""
