"""Numbers that go wrong stop a run with a reason, instead of a night of training on spoilt weights.

Everything it looks at was computed for the log anyway, so that nothing waits for the card on its account.
"""

from typing import Any

from transformers import TrainerCallback

from ftarena.errors import FtarenaError
from ftarena.training.worker.alarms import Alarms
from ftarena.training.worker.job import Job


class Watchdog(TrainerCallback):  # type: ignore[misc]  # transformers is not followed by mypy
    """Shows every row of metrics to the alarms.

    Args:
        job: The run.
    """

    def __init__(self, job: Job) -> None:
        self._alarms = Alarms(job.recipe, job.reporter)

    def state(self) -> dict[str, Any]:
        """Return what has to be known again when the run is resumed."""
        return self._alarms.state()

    def recall(self, state: dict[str, Any]) -> None:
        """Know it again."""
        self._alarms.recall(state)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Refuse a model of which no weight learns.

        Raises:
            FtarenaError: It has none.
        """
        if not any(weight.requires_grad for weight in kwargs["model"].parameters()):
            raise FtarenaError(
                "no weight of the model learns: nothing would be trained",
                "look at tuning and lora_target_modules",
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Refuse nonsense.

        Raises:
            FtarenaError: A number went wrong.
        """
        values = {key: float(value) for key, value in logs.items() if isinstance(value, int | float)}
        if "loss" in values:
            self._alarms.look(state.global_step, values, warmup_steps=args.get_warmup_steps(state.max_steps))
