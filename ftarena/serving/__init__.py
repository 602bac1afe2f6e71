"""Answers from models: who answers (`contestants`), the vLLM behind it (`engine`), how to ask (`client`).

vLLM is always another process, reached over a Unix socket that only its user can open.
"""
