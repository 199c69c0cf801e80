"""Text of runs as text."""

import html
import re

import pytest
from markdown import Markdown

from lit_prune.display.markup import Bold, in_latex, in_markdown, on_console, paragraph, printable

HOSTILE = [
    "![x](../secret.png)",
    "[x](javascript:alert(1))",
    r"\[x](javascript:alert(1))",
    "[x]: javascript:alert(1)",
    "<img src=x onerror=alert(1)> & &lt;",
    "**bold** _em_ __strong__ `code` ``",
    "<https://a.b>",
    "a_b_c",
    "1|2",
    "# heading",
    "- list",
    "+ list",
    "1. list",
    "> quote",
    "===",
    "---",
    "plain text, 0.5 (+.1)",
    "    code",
    "a\nb\n\n# c",
    "[red]x[/red] [link=https://a.b]y[/link]",
    "\x1b]8;;https://a.b\x1b\\link\x1b]8;;\x1b\\",
    "\u202etxt.exe \ud800",
]


def shown(markdown):
    """The text and the tags of what markdown becomes."""
    page = Markdown(extensions=["tables"]).convert(markdown)
    return " ".join(html.unescape(re.sub("<[^>]*>", "", page)).split()), set(re.findall(r"<(\w+)", page))


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_it_as_it_is(text):
    assert shown(paragraph(text)) == (printable(text), {"p"})
    row = in_markdown(text).replace("|", "\\|")
    found, tags = shown(f"| a | b |\n| --- | --- |\n| {row} | c |")
    assert found == f"a b {printable(text)} c"
    assert tags == {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("text", HOSTILE)
def test_the_console_shows_it_as_it_is(text):
    assert str(on_console(text)) == printable(text)
    assert printable(text).isprintable()


def test_latex_shows_it_as_it_is():
    assert in_latex(r"\input{x} a_b 5% ~ ^ & $ #") == (
        r"\textbackslash input\{x\} a\_b 5\% \textasciitilde  \textasciicircum  \& \$ \#"
    )


def test_what_is_ours_may_be_bold():
    assert in_markdown(Bold("a*")) == r"**a\***"
    assert in_latex(Bold("a_b")) == r"\textbf{a\_b}"
    assert str(on_console(Bold("a"))) == "a"
