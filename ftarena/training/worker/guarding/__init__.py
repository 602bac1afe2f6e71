"""What the guards look at while a model trains: its loss on general questions, its drift, what it says.

Nothing here draws random numbers, keeps logits or changes the model: a run that is measured and one that is
not take the same steps.
"""
