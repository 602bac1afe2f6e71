"""Other tools' recipes, taken over: what each key becomes, which are needless here, and which are lost.

Nothing is lost silently: every key of the foreign file ends in one `Remark`. `translation` collects them,
`transformers_keys` knows the keys that both tools inherit, `llamafactory` and `axolotl` know their own (the
tables are in `…_keys`), and `writing` writes the flat recipe that comes out.
"""

from ftarena.recipes.importing.reading import Imported, import_recipe
from ftarena.recipes.importing.translation import Fate, Remark
from ftarena.recipes.importing.writing import write_recipe

__all__ = ["Fate", "Imported", "Remark", "import_recipe", "write_recipe"]
