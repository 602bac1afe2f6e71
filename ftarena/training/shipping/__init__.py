"""A run's model on its way out: merged or as an adapter, with everything that belongs to it.

`exporting` puts a folder together, `files` copies what a model needs, `model_card` and `modelfile` describe
it, `scaled` keeps an adapter at part of its strength. The merging is done in a process of its own
(`training.worker.merging`); here is no torch.
"""
