"""Escaping of text of runs (names, classes, errors) for markdown, LaTeX and the console."""

import re
from collections.abc import Mapping

from rich.text import Text

# Brackets are markup before a target, as in [text](target), and a _ is unless it lies within a word.
_MARKDOWN = re.compile(r"[\\`*]|\](?=\s*[\[(:])|(?<![^\W_])_|_(?![^\W_])")
_BLOCK = re.compile(r"^(\d*)([#>\[]|[-+](?=[-+\s]|$)|(?<=\d)[.)])")  # begins a heading, list or quotation
_LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash ",
    "~": r"\textasciitilde ",
    "^": r"\textasciicircum ",
    **{each: rf"\{each}" for each in "&%$#_{}"},
}


class Bold(str):
    """Text of the package itself that is shown bold where the format allows."""


def printable(text: str) -> str:
    """Return text in one line, without control characters and unpaired surrogates."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def in_markdown(text: str) -> str:
    """Escape text for markdown, within a line; pipes are not escaped, tables do that."""
    shown = _MARKDOWN.sub(r"\\\g<0>", printable(text)).replace("&", "&amp;").replace("<", "&lt;")
    return f"**{shown}**" if isinstance(text, Bold) else shown


def paragraph(text: str) -> str:
    """Escape text for a paragraph of markdown."""
    return _BLOCK.sub(r"\1\\\2", in_markdown(text))


def in_latex(text: str) -> str:
    """Escape text for LaTeX."""
    shown = "".join(_LATEX.get(each, each) for each in printable(text))
    return rf"\textbf{{{shown}}}" if isinstance(text, Bold) else shown


def on_console(text: str) -> Text:
    """Return text for rich without markup."""
    return Text(printable(text))
