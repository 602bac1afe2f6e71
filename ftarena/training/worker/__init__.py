"""What runs in a process of its own and may import torch: conversion and training.

    python -m ftarena.training.worker RUN_DIRECTORY         train what the directory's recipe says
    python -m ftarena.training.worker.convert gguf A B NAME turn a GGUF file into a folder of safetensors

It talks through files (see `ftarena.training.jobs`) and lines on standard output, never through imports:
nothing above this package may import it.
"""
