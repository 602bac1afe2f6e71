"""The steps of the schema as SQL, one file a step; `ftarena.store.migrations` applies them in order."""
