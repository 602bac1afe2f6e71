"""Examples as a model sees them: rendered by its chat template, as tokens, and which of them are learned.

There is one mask logic: what `check` reports, what the mask view shows and what training learns come from
`marking`. Loading a tokenizer here imports no torch; importing this package imports no tokenizer.
"""
