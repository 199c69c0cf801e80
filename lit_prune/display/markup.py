"""Text of runs (names, classes, errors) as text: in markdown, in LaTeX and on the console it is never markup."""

import re
from collections.abc import Mapping

from rich.text import Text

# Brackets are markdown's where a place follows, as in [text](place), and a _ is where no word goes on around it.
_MARKDOWN = re.compile(r"[\\`*]|\](?=\s*[\[(:])|(?<![^\W_])_|_(?![^\W_])")
_BLOCK = re.compile(r"^(\d*)([#>\[]|[-+](?=[-+\s]|$)|(?<=\d)[.)])")  # begins a heading, a list, a quotation
_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash ",
    "~": r"\textasciitilde ",
    "^": r"\textasciicircum ",
    **{each: rf"\{each}" for each in "&%$#_{}"},
}


class Bold(str):
    """Text of our own that is shown bold where that is possible."""


def printable(text: str) -> str:
    """Return text in one line, without control characters, which steer a terminal, and halves of characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def in_markdown(text: str) -> str:
    """Return text as markdown that shows it, inside a line; pipes are left to tables."""
    shown = _MARKDOWN.sub(r"\\\g<0>", printable(text)).replace("&", "&amp;").replace("<", "&lt;")
    return f"**{shown}**" if isinstance(text, Bold) else shown


def paragraph(text: str) -> str:
    """Return text as a paragraph of markdown that shows it."""
    return _BLOCK.sub(r"\1\\\2", in_markdown(text))


def in_latex(text: str) -> str:
    """Return text as LaTeX that shows it."""
    shown = "".join(_LATEX.get(each, each) for each in printable(text))
    return rf"\textbf{{{shown}}}" if isinstance(text, Bold) else shown


def on_console(text: str) -> Text:
    """Return text for rich that shows it."""
    return Text(printable(text))
