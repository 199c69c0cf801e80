"""Sets of questions that spans of a text answer: windows of tokens, several per question where the text is long."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from datasets import Dataset, List, Value
from transformers import PreTrainedTokenizerBase

from lit_prune.data.sources.source import Source
from lit_prune.data.table import read_table, tokenise_table
from lit_prune.data.windows import Windows, tokenise_windows
from lit_prune.errors import UserError

FEATURES = {name: Value("string") for name in ("id", "text_a", "text_b", "group")} | {
    "answers": List(Value("string")),
    "starts": List(Value("int64")),
}


def read_windows(
    source: Source, split: str, root: str | None, tokenizer: PreTrainedTokenizerBase, how: Windows
) -> Dataset:
    """A split's questions in windows, those of a question one after another; cached by content.

    Args:
        source: Gives a `SpanRow` per question.
        split: One of its splits.
        root: Folder of the data.
        tokenizer: The encoder's.
        how: The windows' lengths.

    Returns:
        The columns of `tokenise_windows`.

    Raises:
        UserError: The windows are too short, the rows cannot be had, or they are none with answers.
    """
    how.check(tokenizer)
    rows = read_table(_rows, FEATURES, source, split, root)
    return tokenise_table(rows, tokenise_windows, tokenizer, one_to_one=False, how=how)


def cut_questions(windows: Dataset, size: int, seed: int) -> tuple[Dataset, Dataset]:
    """The windows of the questions that remain, and of those cut off at random, both in their order.

    Args:
        windows: All windows.
        size: Number of questions to cut off, fewer than there are.
        seed: Seed of the draw.
    """
    ids = np.array(windows["id"][:])
    questions = np.array(list(dict.fromkeys(ids.tolist())))
    assert 0 < size < len(questions)
    cut = np.isin(ids, np.random.default_rng(seed).choice(questions, size, replace=False))
    return windows.select(np.flatnonzero(~cut)), windows.select(np.flatnonzero(cut))


def _rows(source: Source, split: str, root: str | None, key: str) -> Iterator[dict[str, Any]]:
    row = None
    for row in source.rows(split, root):
        if "answers" not in row:
            raise UserError(
                f"{type(source).__name__} gives rows with a label, not questions with answers: read a task of spans "
                "from SquadFiles, SquadHub or GeneratedReading"
            )
        yield {name: row[name] for name in FEATURES}  # type: ignore[literal-required]
    if row is None:
        raise UserError(f"the split {split!r} of {type(source).__name__} has no rows")
