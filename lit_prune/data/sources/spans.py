"""Texts with labelled spans of characters, an object a line."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lit_prune.data.sources.conll import read_conll
from lit_prune.data.sources.files import LayoutFiles, find_file
from lit_prune.data.sources.readers import read_jsonl, shown
from lit_prune.data.sources.source import UNLABELLED, TokensRow
from lit_prune.data.sources.words import find_words
from lit_prune.errors import UserError

_KEYS = '{"start": CHARACTER, "end": CHARACTER BEYOND THE LAST, "label": TEXT}'


class SpanFiles(LayoutFiles):
    """Files (.jsonl) of texts with labelled spans: `{"text": ..., "spans": [{"start": 0, "end": 4, "label": ...}]}`.

    `start` and `end` count characters from 0, `end` is beyond the last one. Spans do not overlap. A text without spans
    has an empty list. Words are found by `find_words`; a span that ends inside a word is widened to the whole word, and
    a warning counts such spans. The keys `id` and `group` are read if present; others are not.
    """

    suffix = ".jsonl"

    def rows(self, split: str, root: str | None) -> Iterator[TokensRow]:
        """See `Source.rows`; errors name file and line."""
        return read_spans(find_file(self.splits[split], root))


def read_tagged(path: Path) -> Iterator[TokensRow]:
    """Yield the rows of a file with tags, in its order: a .jsonl of spans, or else a word a line, the tag last.

    Raises:
        UserError: See `read_spans` and `read_conll`.
    """
    return read_spans(path) if path.suffix == SpanFiles.suffix else read_conll(path)


class _Span(NamedTuple):
    start: int
    end: int
    label: str


def read_spans(path: Path) -> Iterator[TokensRow]:
    """Yield the rows of a file, in its order.

    Args:
        path: The file, see `SpanFiles`.

    Raises:
        UserError: The file is no .jsonl of this layout or has no rows, two rows have one id, or a span is empty,
            outside the text, or shares a word with another one.
    """
    if path.suffix != ".jsonl":
        raise UserError(f"{path} must be a .jsonl of texts with spans, got another kind: convert it")
    seen, widened = set[str](), list[int]()
    for number, record in read_jsonl(path):
        if isinstance(record, UserError):
            raise record
        row, num_widened = _row(record, number, f"{path}:{number}")
        if row["id"] in seen:
            raise UserError(f"{path}:{number}: rows must have different ids, got {row['id']!r} twice: rename one")
        seen.add(row["id"])
        widened += [number] * num_widened
        yield row
    if not seen:
        raise UserError(f"{path} must have rows, got none: check the file")
    if widened:
        warnings.warn(
            f"{path}: {len(widened)} spans end inside a word and are widened to whole words, line {widened[0]} first",
            stacklevel=2,
        )


def _row(record: dict[str, Any], number: int, where: str) -> tuple[TokensRow, int]:
    """Return a row, and how many of its spans were widened."""
    text, spans, name, group = (record.get(key) for key in ("text", "spans", "id", "group"))
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where}: 'text' must be a text, got {shown(text)}: correct the row")
    if not isinstance(spans, list):
        raise UserError(f"{where}: 'spans' must be a list, got {shown(spans)}: an empty one for a text without spans")
    words = find_words(text)
    tags, num_widened = ["O"] * len(words), 0
    for span in sorted(_span(each, text, where) for each in spans):
        inside = [place for place, (start, end) in enumerate(words) if start < span.end and end > span.start]
        if any(tags[place] != "O" for place in inside):
            raise UserError(
                f"{where}: spans must not share a word, got {shown(text[span.start : span.end])} beside another: "
                "remove one of them, or give the words yourself in a file for ConllFiles"
            )
        first, last = inside[0], inside[-1]
        num_widened += words[first][0] < span.start or words[last][1] > span.end
        tags[first] = f"B-{span.label}"
        tags[first + 1 : last + 1] = [f"I-{span.label}"] * (last - first)
    row = TokensRow(
        id=str(number if name is None else name),
        text_a=text,
        text_b="",
        label=UNLABELLED,
        group="" if group is None else str(group),
        words=words,
        tags=tags,
    )
    return row, num_widened


def _span(value: Any, text: str, where: str) -> _Span:
    start, end, label = (value.get(key) if isinstance(value, dict) else None for key in ("start", "end", "label"))
    if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label.strip():
        raise UserError(f"{where}: a span must be {_KEYS}, got {shown(value)}: correct the row")
    if not 0 <= start < end <= len(text) or not text[start:end].strip():
        raise UserError(
            f"{where}: spans must be parts of the text of {len(text)} characters, got {start} to {end}: correct the row"
        )
    return _Span(start, end, label)
