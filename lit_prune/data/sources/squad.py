"""Questions with answers that are spans of a text, in SQuAD's own files (Rajpurkar et al. 2016)."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lit_prune.data.sources.fields import check_names
from lit_prune.data.sources.files import file_state, find_file, found_splits
from lit_prune.data.sources.source import UNLABELLED, Source, SpanRow
from lit_prune.errors import UserError


class SquadFiles(Source):
    """Files in the layout of SQuAD 1.1, below `--data.root`. No network is needed.

    What is trained on and `id` must be there if named; another evaluation set that is not is left out with a warning.

    Args:
        splits: Split (train, id, id_mismatched, ood, ood_<set>, ood_train) -> where its file may be, relative to the
            root; the first that exists is read.
    """

    def __init__(self, splits: dict[str, list[str]]) -> None:
        check_names(splits)
        if empty := [split for split, paths in splits.items() if not paths]:
            raise UserError(f"splits {', '.join(empty)}: name one or more files of each")
        self.splits = splits

    def available(self, root: str | None) -> list[str]:
        """The splits whose file exists; warns of each other one."""
        return found_splits(self.splits, root)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """The file's path, size and time of change."""
        return file_state(find_file(self.splits[split], root))

    def rows(self, split: str, root: str | None) -> Iterator[SpanRow]:
        """See `Source.rows`; errors name the file, and where it has one the question's id."""
        return read_squad(find_file(self.splits[split], root))


def read_squad(path: Path) -> Iterator[SpanRow]:
    """The questions of a file, in its order.

    Args:
        path: `{"data": [{"paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text",
            "answer_start"}]}]}]}]}`; other keys are not read.

    Raises:
        UserError: The file is no JSON of this layout or has no questions, or a question has no answer, an answer that
            does not stand where it should, or the id of another one.
    """
    try:
        content = json.loads(path.read_bytes())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: malformed JSON ({error}); download the file again") from None
    seen: set[str] = set()
    for article in _listed(content, "data", str(path)):
        for paragraph in _listed(article, "paragraphs", str(path)):
            context = _text(paragraph, "context", str(path))
            for question in _listed(paragraph, "qas", str(path)):
                row = _row(question, context, path)
                if row["id"] in seen:
                    raise UserError(f"{path}: two questions have the id {row['id']!r}; rename or remove one")
                seen.add(row["id"])
                yield row
    if not seen:
        raise UserError(f"{path}: no questions; check the file")


def _row(question: Any, context: str, path: Path) -> SpanRow:
    name = _text(question, "id", str(path))
    where = f"{path}, question {name!r}"
    answers, starts = [], []
    for answer in _listed(question, "answers", where):
        text = _text(answer, "text", where)
        start = answer.get("answer_start")
        if not isinstance(start, int) or start < 0 or not context.startswith(text, start):
            raise UserError(
                f"{where}: the answer {text!r} does not stand at the context's character {start}; correct its "
                "`answer_start` (it counts from 0), or remove the question"
            )
        answers.append(text)
        starts.append(start)
    if not answers:
        raise UserError(
            f"{where}: no answers; remove the question (those of SQuAD 2.0 that have none are not known here)"
        )
    return SpanRow(
        id=name,
        text_a=_text(question, "question", where),
        text_b=context,
        label=UNLABELLED,
        group="",
        answers=answers,
        starts=starts,
    )


def _listed(record: Any, key: str, where: str) -> list[Any]:
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, list):
        raise UserError(
            f"{where}: there is no list {key!r} where SQuAD 1.1 has one; check that the file has its layout"
        )
    return value


def _text(record: Any, key: str, where: str) -> str:
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {key!r} holds {value!r}, needed is a text; check that the file has SQuAD's layout")
    return value
