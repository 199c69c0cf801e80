"""Tagged words in files of the CoNLL tasks: a word a line (Tjong Kim Sang & De Meulder 2003)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lit_prune.data.sources.files import LayoutFiles, find_file
from lit_prune.data.sources.readers import decoded_lines
from lit_prune.data.sources.source import UNLABELLED, TokensRow
from lit_prune.data.sources.words import join_words
from lit_prune.errors import UserError

_DOCUMENT = "-DOCSTART-"  # the word of a line between documents
_COLUMN = re.compile(r"[^ \t\r\n]+")  # may contain other white space, such as a no-break space


class ConllFiles(LayoutFiles):
    """Files with a word a line, in columns that white space separates; blank lines end an example.

    A row's text is its words, joined by spaces; its id is the number of its first line. Lines whose first
    column is `-DOCSTART-` are skipped, and end an example too. A file without blank lines is one example.

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> paths of
            its file, relative to the root; the first that exists is read.
        word_column: Number of the column of words, from 0; negative numbers count from the last, -1.
        tag_column: Number of the column of tags.
    """

    def __init__(self, splits: dict[str, list[str]], word_column: int = 0, tag_column: int = -1) -> None:
        super().__init__(splits)
        self.word_column = word_column
        self.tag_column = tag_column

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the file's path, size and time of change, and its columns."""
        return {**super().fingerprint(split, root), "columns": [self.word_column, self.tag_column]}

    def rows(self, split: str, root: str | None) -> Iterator[TokensRow]:
        """See `Source.rows`; errors name file and line."""
        return read_conll(find_file(self.splits[split], root), self.word_column, self.tag_column)


def read_conll(path: Path, word_column: int = 0, tag_column: int = -1) -> Iterator[TokensRow]:
    """Yield the rows of a file, in its order.

    Args:
        path: The file, see `ConllFiles`.
        word_column: Number of the column of words.
        tag_column: Number of the column of tags.

    Raises:
        UserError: The file is not in UTF-8 or has no words, or a line lacks one of the columns.
    """
    first, words, tags = 0, list[str](), list[str]()
    for number, line in decoded_lines(path):
        fields = _COLUMN.findall(line)
        if not fields or fields[0] == _DOCUMENT:
            if words:
                yield _row(first, words, tags)
            words, tags = [], []
            continue
        word, tag = (_index(column, len(fields)) for column in (word_column, tag_column))
        if word is None or tag is None or word == tag:
            raise UserError(
                f"{path}:{number} must have a word in column {word_column} and a tag in column {tag_column}, got "
                f"{len(fields)} columns: correct the line, or name the columns by word_column and tag_column"
            )
        if not words:
            first = number
        words.append(fields[word])
        tags.append(fields[tag])
    if words:
        yield _row(first, words, tags)
    elif not first:
        raise UserError(f"{path} must have words, got none: check the file")


def _index(column: int, num_columns: int) -> int | None:
    """Return the number of a column from 0, None if there is no such column."""
    return column % num_columns if -num_columns <= column < num_columns else None


def _row(first: int, words: list[str], tags: list[str]) -> TokensRow:
    text, places = join_words(words)
    return TokensRow(id=str(first), text_a=text, text_b="", label=UNLABELLED, group="", words=places, tags=tags)
