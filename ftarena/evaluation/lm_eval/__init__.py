"""Tasks of EleutherAI's lm-evaluation-harness, run by its own program against our engine.

`lm_eval` is another process, never an import: its tasks, prompts and metrics are its own, and figures compare
with those that others publish. Ours are the engine, the adapters, and the paired statistics over its samples.

- `bridge`: the engine listens on a Unix socket, `lm_eval` knows only TCP
- `running`: finding the program, running it, and what it says where it fails
- `samples`: what it wrote, as items with scores
- `measuring`: each contestant in turn, kept in the store
"""

from ftarena.evaluation.lm_eval.measuring import CHAT_PREFIX, PREFIX, is_lm_eval, measure_lm_eval

__all__ = ["CHAT_PREFIX", "PREFIX", "is_lm_eval", "measure_lm_eval"]
