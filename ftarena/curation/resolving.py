"""What a user's words name: places, and what LLaMA-Factory and axolotl say about data."""

from dataclasses import replace
from pathlib import Path

from ftarena.curation.builtin import builtin_path
from ftarena.curation.examples import Shape
from ftarena.curation.foreign import axolotl, llamafactory
from ftarena.curation.formats import Format
from ftarena.curation.locating import locate
from ftarena.curation.sources import Columns, Source
from ftarena.recipes.data_entries import BUILTIN


def resolve(
    spec: str,
    *,
    columns: Columns | None = None,
    shape: Shape | None = None,
    format: Format | None = None,
) -> list[Source]:
    """Return the sources that a user's words name, at least one.

    Args:
        spec: A file; a folder (all data files directly in it, sorted by name); `-` for what is piped in;
            `dataset_info.json` or `dataset_info.json:NAME` (LLaMA-Factory); a `.yaml` of axolotl (its
            `datasets:`); `builtin:NAME`, which comes with ftarena; `org/name`, `org/name:SPLIT` or
            `org/name:SUBSET/SPLIT` on the hub.
        columns: What the columns mean, for every source; wins over what a description says.
        shape: What every row must be; wins over what a description says.
        format: How the files are written, where neither ending nor content tell.

    Raises:
        FtarenaError: It names nothing that can be read.
    """
    sources = _named(spec, format)
    if columns is not None:
        sources = [replace(source, columns=columns) for source in sources]
    if shape is not None:
        sources = [replace(source, shape=shape) for source in sources]
    return sources


def _named(spec: str, format: Format | None) -> list[Source]:
    if spec.startswith(BUILTIN):
        return locate(str(builtin_path(spec)), format)
    path = Path(spec).expanduser()
    if path.is_dir() and (path / llamafactory.INFO).is_file():
        return llamafactory.sources_of(path / llamafactory.INFO)
    if path.name == llamafactory.INFO:
        return llamafactory.sources_of(path)
    if path.is_file() and path.suffix.lower() in (".yaml", ".yml"):
        return axolotl.sources_of(path)
    described, colon, name = spec.rpartition(":")
    if colon and not path.exists() and Path(described).name == llamafactory.INFO:
        return llamafactory.sources_of(Path(described).expanduser(), name)
    return locate(spec, format)
