"""Measures that need no people: held-out loss, the exam after training, what less of an adapter does.

All of it asks the engine, which answers as the base and every adapter and returns the log-probability of any
text under each; no model is loaded here.
"""
