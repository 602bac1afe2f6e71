"""The one kind of error a user is meant to read.

Everything that can go wrong for a reason outside the program (a file, a key, a card, a disk) is raised as
`FtarenaError`: what happened to which thing, and the command or change that mends it. Front ends print
both lines and exit with `exit_code`; a traceback goes to a log, never to a terminal.
"""


class FtarenaError(Exception):
    """Something the user can mend.

    Args:
        message: What happened to which thing; for data with `file:line`.
        hint: What to do about it, best as a command to type. May be empty where the message says it all.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(FtarenaError):
    """A command line or a recipe that says something impossible (exit code 2, as shells expect)."""

    exit_code = 2
