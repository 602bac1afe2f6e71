"""A base model's own answers, written to be replayed against forgetting."""
