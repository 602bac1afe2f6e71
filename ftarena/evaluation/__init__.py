"""Measures that need no people: loss on held-out answers, and whether general knowledge was lost.

All of it asks the engine, which returns the log-probability of any text under the base and every adapter; no
model is loaded here.
"""
