"""The keys of a recipe, one file a concern; `ftarena.recipes.schema.Recipe` is made of all of them.

Each file holds what its keys mean, their units, defaults and where those come from, and the checks that need
only these keys. Checks between concerns are in `schema`.
"""
