"""The console that tables are printed on."""

from rich.console import Console


def wide_console(width: int = 160) -> Console:
    """Return a console that is wide enough for tables also if the output is not a terminal.

    Args:
        width: Its width in characters if the output is not a terminal.
    """
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=width)
