"""Tasks: questions with reference answers, and a way to say how good an answer is.

- `items`: what a task is, and the hash that names it; `loading` reads one from a file
- `metrics`: exact, number, accept, regex, choice, json: an answer becomes a score from 0 to 1
- `scorer`: the user's own Python, in a process of its own
- `candidates`: a contestant that can be asked, whatever serves it
- `asking`: every contestant answers every item, greedily; each result is kept the moment it is there

What the scores say is in `ftarena.evaluation.measures`, which reads them from the store.
"""
