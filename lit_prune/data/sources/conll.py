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
        group_column: Number of a column with the group of an example, read from its first line. If None, there are no
            groups.
    """

    def __init__(
        self,
        splits: dict[str, list[str]],
        word_column: int = 0,
        tag_column: int = -1,
        group_column: int | None = None,
    ) -> None:
        super().__init__(splits)
        self.word_column = word_column
        self.tag_column = tag_column
        self.group_column = group_column

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the file's path, size and time of change, and its columns."""
        return {**super().fingerprint(split, root), "columns": [self.word_column, self.tag_column, self.group_column]}

    def rows(self, split: str, root: str | None) -> Iterator[TokensRow]:
        """See `Source.rows`; errors name file and line."""
        return self.read(find_file(self.splits[split], root))

    def read(self, path: Path) -> Iterator[TokensRow]:
        """Yield the rows of any file with these columns; see `read_conll`."""
        return read_conll(path, self.word_column, self.tag_column, self.group_column)


def read_conll(
    path: Path, word_column: int = 0, tag_column: int = -1, group_column: int | None = None
) -> Iterator[TokensRow]:
    """Yield the rows of a file, in its order.

    Args:
        path: The file, see `ConllFiles`.
        word_column: Number of the column of words.
        tag_column: Number of the column of tags.
        group_column: Number of the column of groups, or None.

    Raises:
        UserError: The file is not in UTF-8 or has no words, or a line lacks one of the columns.
    """
    first, group, words, tags = 0, "", list[str](), list[str]()
    for number, line in decoded_lines(path):
        fields = _COLUMN.findall(line)
        if not fields or fields[0] == _DOCUMENT:
            if words:
                yield _row(first, group, words, tags)
            words, tags = [], []
            continue
        word, tag = (_index(column, len(fields)) for column in (word_column, tag_column))
        if word is None or tag is None or word == tag:
            raise UserError(
                f"{path}:{number} must have a word in column {word_column} and a tag in column {tag_column}, got "
                f"{len(fields)} columns: correct the line, or name the columns by word_column and tag_column"
            )
        if not words:
            first, group = number, "" if group_column is None else fields[_found(group_column, fields, path, number)]
        words.append(fields[word])
        tags.append(fields[tag])
    if words:
        yield _row(first, group, words, tags)
    elif not first:
        raise UserError(f"{path} must have words, got none: check the file")


def _index(column: int, num_columns: int) -> int | None:
    """Return the number of a column from 0, None if there is no such column."""
    return column % num_columns if -num_columns <= column < num_columns else None


def _found(column: int, fields: list[str], path: Path, number: int) -> int:
    """Return the number of the group's column from 0; a UserError if there is none."""
    if (found := _index(column, len(fields))) is None:
        raise UserError(f"{path}:{number} must have a group in column {column}, got {len(fields)} columns: correct it")
    return found


def _row(first: int, group: str, words: list[str], tags: list[str]) -> TokensRow:
    text, places = join_words(words)
    return TokensRow(id=str(first), text_a=text, text_b="", label=UNLABELLED, group=group, words=places, tags=tags)
