"""Pronouns and what they may refer to, in SuperGLUE's files of WSC (Levesque et al. 2012; Wang et al. 2019)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lit_prune.data.sources.files import LayoutFiles, find_file
from lit_prune.data.sources.readers import read_jsonl, shown
from lit_prune.data.sources.source import UNLABELLED, MentionRow
from lit_prune.errors import UserError

_LABELS = ("other", "same")


class WscFiles(LayoutFiles):
    """Files (.jsonl) in SuperGLUE's layout of WSC.

    A row's mentions are its `span1` and its `span2`, a pronoun; its label is `same` where this one refers to the first,
    else `other`.
    """

    suffix = ".jsonl"

    def rows(self, split: str, root: str | None) -> Iterator[MentionRow]:
        """See `Source.rows`; errors name file and line."""
        return read_wsc(find_file(self.splits[split], root))


def read_wsc(path: Path, labelled: bool = True) -> Iterator[MentionRow]:
    """Yield the rows of a file, in its order.

    Args:
        path: A line is `{"text", "target": {"span1_index", "span1_text", "span2_index", "span2_text"}, "label",
            "idx"}`. An index counts the text's words, from 0. A mention is where its text stands nearest to that word,
            whatever the case and the white space: in the official files some texts and indices are a little off.
        labelled: Whether the labels are read; else rows need none.

    Raises:
        UserError: The file is no .jsonl of this layout, or a mention does not stand in its text.
    """
    if path.suffix != ".jsonl":
        raise UserError(f"{path} must be a .jsonl in SuperGLUE's layout of WSC, got another kind: convert it")
    for number, record in read_jsonl(path):
        if isinstance(record, UserError):
            raise record
        yield _row(record, number, f"{path}:{number}", labelled)


def _row(record: dict[str, Any], number: int, where: str, labelled: bool) -> MentionRow:
    text, target, label = (record.get(key) for key in ("text", "target", "label"))
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where}: 'text' must be a text, got {shown(text)}: correct the row")
    if not isinstance(target, Mapping):
        raise UserError(f"{where}: 'target' must be two mentions, got {shown(target)}: correct the row")
    if labelled and label not in (False, True):
        raise UserError(f"{where}: 'label' must be true or false, got {shown(label)}: correct the row")
    name = str(number if record.get("idx") is None else record["idx"])
    return MentionRow(
        id=name,
        text_a=text,
        text_b="",
        label=_LABELS[bool(label)] if labelled else UNLABELLED,
        group="",
        mentions=[_place(text, target, which, f"{where}, row {name!r}") for which in ("span1", "span2")],
    )


def _place(text: str, target: Mapping[str, Any], which: str, where: str) -> list[int]:
    """Return the first character of a mention in the text and the one after its last."""
    mention, index = (target.get(f"{which}_{key}") for key in ("text", "index"))
    words = [word.start() for word in re.finditer(r"\S+", text)]
    if not isinstance(mention, str) or not mention.strip():
        raise UserError(f"{where}: '{which}_text' must be a part of the text, got {shown(mention)}: correct the row")
    if not isinstance(index, int) or not 0 <= index < len(words):
        raise UserError(f"{where}: '{which}_index' must be the number of a word, got {shown(index)}: correct the row")
    pattern = r"\s+".join(map(re.escape, mention.split()))
    found = [each.span() for each in re.finditer(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)]
    if not found:
        raise UserError(f"{where}: {which} must be words of the text, got {mention!r}: correct or remove the row")
    return [*min(found, key=lambda place: abs(place[0] - words[index]))]
