"""The exam after training: the engine answers questions as the run and as its base, and three guards judge.

- `stopping`: do its answers end by themselves, or run into the length limit?
- `recitation`: does it write training answers down word for word?
- `knowledge`: does it still answer general questions as well as its base?

    python -m ftarena.evaluation.exam RUN_DIRECTORY

What was found lies in the run's `exam.json`. The exam does not know how a run was trained; what the worker
measured itself (losses, drift) is in `guards.json`, and `ftarena.training.guards` reads both.
"""

from ftarena.evaluation.exam.examining import exam_command, examine

__all__ = ["exam_command", "examine"]
