"""Did it forget what it knew? Asked of the engine's losses, judged as a run judges its own.

What a difference means is decided in `ftarena.training.verdicts.forgetting`, how uncertain it is in
`ftarena.scoring.paired`: a worker and the engine's reports say the same of the same figures.
"""

from ftarena.scoring.paired import Difference, paired_difference
from ftarena.training.verdicts.forgetting import ALARM_NATS, ALARM_SIGMAS, Verdict, verdict, words

__all__ = ["ALARM_NATS", "ALARM_SIGMAS", "Difference", "Verdict", "paired_difference", "verdict", "words"]
