"""Choices of plausible alternatives, in SuperGLUE's files of COPA (Roemmele et al. 2011; Wang et al. 2019)."""

from collections.abc import Iterator
from typing import Any

from lit_prune.data.generated.choice_templates import QUESTIONS
from lit_prune.data.sources.files import LayoutFiles, find_file
from lit_prune.data.sources.readers import READERS, shown
from lit_prune.data.sources.source import Row
from lit_prune.errors import UserError

_CHOICES = ("choice1", "choice2")


class CopaFiles(LayoutFiles):
    """Files (.jsonl) in SuperGLUE's layout of COPA.

    A row's `text_a` is the premise with its question, `text_b` the two choices, one a line, its label the number of the
    right one.
    """

    suffix = ".jsonl"

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`; errors name file and line."""
        path = find_file(self.splits[split], root)
        for number, record in READERS[".jsonl"](path, None):
            if isinstance(record, UserError):
                raise record
            yield _row(record, number, f"{path}:{number}")


def _row(record: dict[str, Any], number: int, where: str) -> Row:
    for key in ("premise", *_CHOICES):
        if not isinstance(record.get(key), str) or not record[key].strip():
            raise UserError(f"{where}: {key!r} must be a text, got {shown(record.get(key))}: correct the row")
    question, label, name = (record.get(key) for key in ("question", "label", "idx"))
    if question not in list(QUESTIONS):
        raise UserError(f"{where}: 'question' must be {' or '.join(QUESTIONS)}, got {shown(question)}: correct the row")
    if label not in (0, 1):
        raise UserError(f"{where}: 'label' must be 0 or 1, got {shown(label)}: the right choice")
    return Row(
        id=str(number if name is None else name),
        text_a=f"{record['premise'].strip()} {QUESTIONS[record['question']]}",
        text_b="\n".join(record[key].strip() for key in _CHOICES),
        label=str(int(label) + 1),
        group="",
    )
