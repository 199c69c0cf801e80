"""Questions that spans of a text answer, in SQuAD's own files and as the hub has them (Rajpurkar et al. 2016)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lit_prune.data.sources.fields import check_names
from lit_prune.data.sources.files import LayoutFiles, find_file
from lit_prune.data.sources.hub import HubTable
from lit_prune.data.sources.readers import parse_json, shown
from lit_prune.data.sources.source import UNLABELLED, Source, SpanRow
from lit_prune.errors import UserError
from lit_prune.limits import read_bounded


class SquadFiles(LayoutFiles):
    """Files in the layout of SQuAD 1.1."""

    def rows(self, split: str, root: str | None) -> Iterator[SpanRow]:
        """See `Source.rows`; errors name the file, and where it has one the question's id."""
        return read_squad(find_file(self.splits[split], root))


class SquadHub(Source):
    """Tables of the Hugging Face hub in the layout of `rajpurkar/squad`; without a network, from its cache (`HF_HOME`).

    Args:
        splits: Split (`train`, `id`, `id_mismatched`, `ood`, `ood_<set>`, `ood_train`, `validation_ood`) -> its table.
    """

    def __init__(self, splits: dict[str, HubTable]) -> None:
        check_names(splits)
        self.splits = splits

    def available(self, root: str | None) -> list[str]:
        """Return all named splits."""
        return list(self.splits)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the table's fingerprint of `datasets`."""
        return {"table": self.splits[split].load()._fingerprint}

    def rows(self, split: str, root: str | None) -> Iterator[SpanRow]:
        """See `Source.rows`; errors name the table and the question's id."""
        table = self.splits[split]
        return _rows(iter(table.load()), str(table))


def read_squad(path: Path) -> Iterator[SpanRow]:
    """Yield the questions of a file, in its order.

    Args:
        path: `{"data": [{"paragraphs": [{"context", "qas": [{"id", "question", "answers": [{"text",
            "answer_start"}]}]}]}]}`; other keys are not read.

    Raises:
        UserError: The file is no JSON of this layout or has no questions, or a question has no answer, an answer that
            does not stand where it should, or the id of another one.
    """
    return _rows(_flat(path), str(path))


def _flat(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a file's questions as records of the hub."""
    try:
        text = read_bounded(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} must be UTF-8, got other bytes ({error.reason}): convert the file to UTF-8") from None
    content = parse_json(text, path)
    for article in _listed(content, "data", str(path)):
        for paragraph in _listed(article, "paragraphs", str(path)):
            for question in _listed(paragraph, "qas", str(path)):
                where = f"{path}, question {_text(question, 'id', str(path))!r}"
                answers = [each if isinstance(each, Mapping) else {} for each in _listed(question, "answers", where)]
                columns = {key: [each.get(key) for each in answers] for key in ("text", "answer_start")}
                yield {**question, "context": paragraph.get("context"), "answers": columns}


def _rows(records: Iterator[Mapping[str, Any]], table: str) -> Iterator[SpanRow]:
    seen: set[str] = set()
    for record in records:
        row = _row(record, table)
        if row["id"] in seen:
            raise UserError(
                f"{table}: questions must have different ids, got {row['id']!r} twice: rename or remove one"
            )
        seen.add(row["id"])
        yield row
    if not seen:
        raise UserError(f"{table} must have questions, got none: check the file")


def _row(record: Mapping[str, Any], table: str) -> SpanRow:
    name = _text(record, "id", table)
    where = f"{table}, question {name!r}"
    question, context = (_text(record, key, where) for key in ("question", "context"))
    texts, starts = (_listed(record.get("answers"), key, where) for key in ("text", "answer_start"))
    if not texts:
        raise UserError(f"{where} must have answers, got none, as for some questions of SQuAD 2.0: remove it")
    for text, start in zip(texts, starts, strict=True):
        found = isinstance(text, str) and isinstance(start, int) and start >= 0 and context.startswith(text, start)
        if not found or not text.strip():
            raise UserError(
                f"{where}: answers must be in the context at `answer_start`, got {shown(text)} at {shown(start)}: "
                "correct it (it counts characters from 0), or remove the question"
            )
    return SpanRow(
        id=name, text_a=question, text_b=context, label=UNLABELLED, group="", answers=[*texts], starts=[*starts]
    )


def _listed(record: Any, key: str, where: str) -> list[Any]:
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, list):
        raise UserError(f"{where}: {key!r} must be a list, got none: check that the file has SQuAD's layout")
    return value


def _text(record: Any, key: str, where: str) -> str:
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {key!r} must be a text, got {shown(value)}: check that the file has SQuAD's layout")
    return value
