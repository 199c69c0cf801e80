"""Choices of plausible alternatives, in SuperGLUE's files of COPA (Roemmele et al. 2011; Wang et al. 2019)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lit_prune.data.sources.fields import check_names
from lit_prune.data.sources.files import file_state, find_file, found_splits
from lit_prune.data.sources.readers import READERS
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError

_QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}
_CHOICES = ("choice1", "choice2")


class CopaFiles(Source):
    """Files in SuperGLUE's layout of COPA, below `--data.root`. No network is needed.

    A row's `text_a` is the premise with its question, `text_b` the two choices, one a line, its label the number of the
    right one. What is trained on and `id` must be there if named.

    Args:
        splits: Split (train, id, id_mismatched, ood, ood_<set>, ood_train) -> where its file (.jsonl) may be, relative
            to the root; the first that exists is read.
    """

    def __init__(self, splits: dict[str, list[str]]) -> None:
        check_names(splits)
        wrong = [split for split, paths in splits.items() if {Path(each).suffix for each in paths} != {".jsonl"}]
        if wrong:
            raise UserError(f"splits {', '.join(wrong)}: name one or more files of each, all .jsonl")
        self.splits = splits

    def available(self, root: str | None) -> list[str]:
        """The splits whose file exists; warns of each other one."""
        return found_splits(self.splits, root)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """The file's path, size and time of change."""
        return file_state(find_file(self.splits[split], root))

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
            raise UserError(f"{where}: {key!r} holds {record.get(key)!r}, needed is a text, as COPA has it")
    if record.get("question") not in _QUESTIONS:
        raise UserError(f"{where}: 'question' holds {record.get('question')!r}, needed is {' or '.join(_QUESTIONS)}")
    if record.get("label") not in (0, 1):
        raise UserError(f"{where}: 'label' holds {record.get('label')!r}, needed is 0 or 1, the right choice")
    return Row(
        id=str(record.get("idx", number)),
        text_a=f"{record['premise'].strip()} {_QUESTIONS[record['question']]}",
        text_b="\n".join(record[key].strip() for key in _CHOICES),
        label=str(record["label"] + 1),
        group="",
    )
