"""The few things that are remembered: the theme, which data was opened last and how.

One small JSON file a project. How votes are collected is kept in the arena itself.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

Reveal = Literal["never", "after", "end"]
"""When a voter is told who wrote what: never, after each vote, or when all battles are done."""

MOST_DATA = 8
"""How many opened data files are remembered."""

MOST_COLUMNS = 100
"""Of how many files it is remembered what their columns mean."""


@dataclass(frozen=True)
class Settings:
    """What is remembered between two starts."""

    theme: str = ""
    """Name of a Textual theme; empty: the default for this terminal."""

    reveal: Reveal | None = None
    """When names are shown, where an older version kept it here; moves into the arena when Vote opens."""

    data: tuple[str, ...] = ()
    """What was opened in Data, as it was typed, the last one first."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Of files with columns of their own, by absolute path: `prompt=question,completion=answer`."""

    def with_theme(self, theme: str) -> "Settings":
        """Return these settings with another theme."""
        return replace(self, theme=theme)

    def without_reveal(self) -> "Settings":
        """Return these settings once the arena knows when names are shown."""
        return replace(self, reveal=None)

    def with_data(self, spec: str) -> "Settings":
        """Return these settings with one more opened data file."""
        others = [one for one in self.data if one != spec]
        return replace(self, data=(spec, *others)[:MOST_DATA])

    def with_columns(self, columns: Mapping[str, str]) -> "Settings":
        """Return these settings with what the columns of some files mean; an empty text: the usual."""
        kept = {path: said for path, said in self.columns.items() if path not in columns}
        kept |= {path: said for path, said in columns.items() if said}
        return replace(self, columns=dict(list(kept.items())[-MOST_COLUMNS:]))


def load_settings(path: Path) -> Settings:
    """Return the settings in a file; what is missing or makes no sense is the default."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Settings()
    if not isinstance(found, dict):
        return Settings()
    reveal, theme, data = found.get("reveal"), found.get("theme"), found.get("data")
    columns = found.get("columns")
    return Settings(
        theme=theme if isinstance(theme, str) else "",
        reveal=reveal if reveal in get_args(Reveal) else None,
        data=tuple(one for one in data if isinstance(one, str))[:MOST_DATA] if isinstance(data, list) else (),
        columns={path: said for path, said in columns.items() if isinstance(said, str)}
        if isinstance(columns, dict)
        else {},
    )


def save_settings(path: Path, settings: Settings) -> None:
    """Write the settings, if the project has a folder already; a setting alone does not create one."""
    if path.parent.is_dir():
        kept = {key: value for key, value in asdict(settings).items() if value is not None}
        path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
