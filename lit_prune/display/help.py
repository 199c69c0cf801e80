"""The look of help texts on the command line."""

import textwrap
from argparse import RawDescriptionHelpFormatter

from jsonargparse import DefaultHelpFormatter

_WIDTH = 80


class HelpFormatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):  # type: ignore[misc]
    """Formatter of jsonargparse, types and defaults included, that keeps the lines of descriptions."""


def description(text: str, *examples: str) -> str:
    """Return the description of a command: a text, wrapped, and indented examples below it."""
    return "\n".join([textwrap.fill(text, _WIDTH), *(["", *(f"  {each}" for each in examples)] if examples else [])])
