"""Training: models made ready, runs planned, started, paused, resumed, watched, shipped.

`jobs` starts and stops runs, `runs` reads what they leave on disk, `plan` says beforehand what one takes,
`figures` shows how it goes, `verdicts` and `guards` say whether it got worse, `shipping` takes its model out.
The work itself is in `worker`, a process of its own: nothing else here loads a machine-learning library.
"""
