"""ftarena: fine-tune a model, compare it blind with what it was before, vote, know whether it got better.

Nothing is imported here: `ftarena --help` must not pay for what it does not use.
"""

__version__ = "0.1.0"
