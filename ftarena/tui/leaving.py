"""Leaving a terminal as it was found.

Where a window grew while a program was on its alternate screen, tmux 3.3 moves as many of that screen's lines
as it grew by into the screen of the shell. So it is emptied before it is left.
"""

from textual.driver import Driver

_ERASE = "\x1b[2J\x1b[H"


def leaving_nothing(driver: type[Driver]) -> type[Driver]:
    """Return a driver that erases its screen before it gives it back.

    Args:
        driver: What speaks with the terminal, as Textual has chosen it.
    """

    class LeavingNothing(driver):  # type: ignore[valid-type,misc]  # which one is known when it runs
        """As the driver that it is, but for the end."""

        def stop_application_mode(self) -> None:
            """Erase what was drawn, then restore the terminal."""
            self.write(_ERASE)
            super().stop_application_mode()

    return LeavingNothing
