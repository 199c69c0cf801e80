"""The pages of the documentation, README.md among them: their code blocks and the command lines in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "README.md"
PAGES = [README, *sorted((REPOSITORY / "docs").rglob("*.md"))]
KINDS = ("bash", "python", "yaml", "csv", "json", "text")

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^ *(?P=ticks) *$", re.M | re.S)
_NOT_RUN = re.compile(r"<!-- not run:(?P<reason>(?:(?!-->).)*)-->\s*\Z", re.S)
_GIVEN = re.compile(r"<!-- given: (.*?) -->", re.S)
_NAMED = re.compile(r"# ([\w./-]+\.(?:yaml|csv|py))$")
_INLINE = re.compile(r"`lit_prune ([^`]+)`")


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Args:
        kind: Its language, the first word after the fence.
        text: Its lines, without indentation.
        line: Number of its first line in the page.
        reason: Why it cannot run in a test, None if it can.
    """

    kind: str
    text: str
    line: int
    reason: str | None = None

    @property
    def file(self) -> str | None:
        """Name of the file that it is written to, from its first line."""
        first = self.text.partition("\n")[0]
        named = _NAMED.match(first)
        return named[1] if named and self.kind in ("yaml", "csv", "python") else None

    @property
    def content(self) -> str:
        """Content of its file; a csv file begins with its header."""
        return self.text.partition("\n")[2] if self.kind == "csv" and self.file else self.text


def read_blocks(page):
    """The code blocks of a page, in order."""
    text = page.read_text()
    blocks = []
    for found in _FENCE.finditer(text):
        before = text[: found.start()]
        reason = _NOT_RUN.search(before)
        kind = (found["info"].split() or [""])[0]
        content = dedent(found["text"])
        blocks.append(Block(kind, content, before.count("\n") + 2, reason["reason"].strip() if reason else None))
    return blocks


def read_given(page):
    """What a page takes for granted, as its comments list it."""
    return " ".join(_GIVEN.findall(page.read_text()))


def title(page):
    """The path of a page in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def command_lines(block):
    """The arguments of each `lit_prune` command of a bash block, in a loop for its first value."""
    text = block.text.replace("\\\n", " ")
    values = dict(re.findall(r"\bfor (\w+) in (\S+)", text))
    text = re.sub(r"\$\{?(\w+)\}?", lambda variable: values.get(variable[1], "1"), text)
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
        lexer.whitespace_split = True
        command = None
        for word in [*lexer, ";"]:
            if command is not None and set(word) <= set("|&;<>()"):
                yield command
                command = None
            elif command is not None:
                command.append(word)
            elif word == "lit_prune":
                command = []


def inline_commands(page):
    """The arguments of each `lit_prune` command in the prose of a page that names a configuration, not `NAME`."""
    prose = _FENCE.sub("", page.read_text())
    return [shlex.split(each) for each in _INLINE.findall(prose) if re.search(r"--config [^A-Z]", each)]
