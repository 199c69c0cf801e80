"""Limits on text files, so that one that expands to far more than its size is rejected in seconds, and on seeds."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, AnyStr

import yaml

from lit_prune.errors import UserError

LARGEST_TEXT = 256 * 2**20  # bytes of a json, yaml or event file
LONGEST_LINE = 16 * 2**20  # characters
LONGEST_VALUE = 400  # characters of a text in the record of a run
LARGEST_YAML = 2**20  # bytes; yaml is slow to parse
MOST_COLUMNS = 10_000
LARGEST_SEED = 2**32 - 1
_MOST_NODES = 1_000_000  # of a yaml, with aliases expanded

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def bounded_lines(file: IO[AnyStr], path: Path) -> Iterator[AnyStr]:
    """Yield the lines of an open file.

    Raises:
        UserError: A line is longer than `LONGEST_LINE`.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise UserError(f"{path}:{number} must have at most {LONGEST_LINE:,} characters, got more: is it a table?")
        yield line


def read_bounded(path: Path) -> bytes:
    """Return the content of a json, yaml or event file.

    Raises:
        UserError: The file has more bytes than `LARGEST_TEXT`.
    """
    size = path.stat().st_size
    if size > LARGEST_TEXT:
        raise UserError(
            f"{path} must have at most {LARGEST_TEXT:,} bytes, got {size:,}: check that it is the right file"
        )
    return path.read_bytes()


def bounded_text(text: str) -> str:
    """Return a text of a record as valid Unicode; one longer than `LONGEST_VALUE` ends in an ellipsis."""
    text = text[: LONGEST_VALUE + 1].encode(errors="replace").decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def check_num_columns(where: str, num: int) -> None:
    """Check the number of columns of a table.

    Raises:
        UserError: The table has more columns than `MOST_COLUMNS`.
    """
    if num > MOST_COLUMNS:
        raise UserError(f"{where} must have at most {MOST_COLUMNS:,} columns, got {num:,}: remove unused ones")


def parse_yaml(content: bytes, path: Path) -> Any:
    """Parse a yaml of plain values.

    Raises:
        UserError: The content is not yaml, is too large or too deep, or its aliases expand to too much.
    """
    if len(content) > LARGEST_YAML:
        raise UserError(f"{path} must have at most {LARGEST_YAML:,} bytes, got {len(content):,}: is it a yaml?")
    try:
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {})
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path} must be valid yaml, got {' '.join(str(error).split())}: correct the file") from error


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Return the number of nodes in a tree, with aliases expanded."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = _MOST_NODES  # an alias of a node inside itself would never end
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [child for pair in node.value for child in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    num = 1 + sum(_count(child, known) for child in children)
    if num > _MOST_NODES:
        raise ValueError("its aliases expand to too many nodes")
    known[id(node)] = num
    return num


def check_seed(setting: str, seed: Any) -> None:
    """Check a seed.

    Args:
        setting: Name of the setting, for the message.
        seed: Its value.

    Raises:
        UserError: it is not valid for Python, numpy and torch.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"{setting} must be an integer from 0 to {LARGEST_SEED}, got {seed}: the default is 1")
