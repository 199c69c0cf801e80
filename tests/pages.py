"""The pages of the documentation, README.md among them: their code blocks and the command lines in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from lit_prune.cli import COMMANDS
from lit_prune.commands.bench import COMMANDS as BENCHMARKS

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "README.md"
PAGES = [README, *sorted((REPOSITORY / "docs").rglob("*.md"))]
KINDS = ("bash", "python", "yaml", "csv", "json", "text")

VALUES = {  # of placeholders in commands of the prose
    "CONFIG": "srnet_poe",
    "DIR": "model",
    "FILE": "train.csv",
    "FOLDER": "logs",
    "FORMAT": "packed",
    "NAME": "srnets_fig2",
    "RUN": "logs/run/version_0",
    "TASK": "nli",
}

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`\n]*)\n(?P<text>.*?)^ *(?P=ticks) *$", re.M | re.S)
_NOT_RUN = re.compile(r"<!-- not run:(?P<reason>(?:(?!-->).)*)-->\s*\Z", re.S)
_GIVEN = re.compile(r"<!-- given: (.*?) -->", re.S)
_NAMED = re.compile(r"# ([\w./-]+\.(?:yaml|csv|py))$")
_INLINE = re.compile(r"`lit_prune\s+([^`]+)`")


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

    def is_output_of(self, other):
        """True if it is text directly below a block of Python, without a comment such as `<!-- example output -->`."""
        fences = other.line + other.text.count("\n") + 3  # the end of the other, a blank line, and the begin of this
        return self.kind == "text" and other.kind == "python" and self.line == fences

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
    """The arguments of each `lit_prune` command in the prose of a page, values in the place of its placeholders.

    A name alone, as `lit_prune fit`, names a command: `--help` follows it. Left out are those with `...` or `COMMAND`.
    """
    prose = _FENCE.sub("", page.read_text())
    for command in dict.fromkeys(_INLINE.findall(prose)):
        if "..." not in command and "COMMAND" not in command:
            words = [_fill(word, command) for word in shlex.split(command)]
            is_name = all(re.fullmatch("[a-z]+", word) for word in words) and " ".join(words) in _names()
            yield [*words, "--help"] if is_name else words


def _names():
    """The commands, and the names of those in two words."""
    words = {"bench": [function.__name__ for function in BENCHMARKS], "stability": ["pointwise"]}
    return [*COMMANDS, *(f"{name} {second}" for name, each in words.items() for second in each)]


def _fill(word, command):
    """A word of a command whose placeholders are values."""
    values = VALUES | {"FILE": "demo/srnets_fig2"} if command.startswith("study ") else VALUES
    return re.sub(r"(?<![A-Za-z])[A-Z]+(?![A-Za-z_])", lambda found: values.get(found[0], found[0]), word)
