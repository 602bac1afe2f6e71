"""The `/` commands of the chat: what there is, how a line is read and how it is completed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ftarena.errors import UsageError


@dataclass(frozen=True)
class Command:
    """One `/` command."""

    name: str
    argument: str
    """What follows it, as the help writes it; empty where nothing does."""

    meaning: str
    """What it does, in a few words."""


COMMANDS: tuple[Command, ...] = (
    Command("left", "NAME", "who answers on the left"),
    Command("right", "NAME", "who answers on the right"),
    Command("blind", "", "hide who is who (again: show it)"),
    Command("vote", "", "say which answer is better (when blind)"),
    Command("system", "TEXT", "a system prompt for both (without text: none)"),
    Command("temp", "0–2", "temperature of both"),
    Command("clear", "", "a new conversation"),
    Command("export", "[FILE]", "write this conversation to a file (.md or .json)"),
    Command("help", "", "keys and commands"),
)


def parse(line: str) -> tuple[str, str] | None:
    """Return (command, argument) of a line, or None where it is not a command.

    A line is a command if it is one line and its first word is `/` and letters; so a pasted
    `/usr/bin/env` or `/* comment */` is a prompt.

    Raises:
        UsageError: A command of that name does not exist.
    """
    word, _, argument = line.strip().partition(" ")
    if "\n" in line.strip() or not word.startswith("/") or not word[1:].isalpha():
        return None
    name = word[1:].lower()
    names = [command.name for command in COMMANDS]
    if name in names:
        return name, argument.strip()
    begun = [full for full in names if full.startswith(name)]
    if len(begun) == 1:
        return begun[0], argument.strip()
    raise UsageError(f"there is no /{name}", "commands: " + ", ".join(f"/{full}" for full in names))


def complete(line: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the lines that `line` can become, best first; none where it is not the start of a command.

    Args:
        line: What has been typed.
        values: For a command the arguments it can have, such as the contestants' names.
    """
    if not line.startswith("/") or "\n" in line:
        return []
    word, space, typed = line[1:].partition(" ")
    if not space:
        return [
            f"/{command.name}" + (" " if command.argument else "")
            for command in COMMANDS
            if command.name.startswith(word.lower())
        ]
    start = typed.lower()
    fitting = [value for value in values.get(word.lower(), ()) if start in value.lower()]
    fitting.sort(key=lambda value: not value.lower().startswith(start))
    return [f"/{word} {value}" for value in fitting if value != typed]


def temperature(argument: str) -> float:
    """Return the temperature that `/temp` was given.

    Raises:
        UsageError: It is not a number from 0 to 2.
    """
    try:
        value = float(argument)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 2:
        raise UsageError(f"{argument!r} is no temperature", "give a number from 0 to 2, such as /temp 0.7")
    return value
