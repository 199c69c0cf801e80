"""Examples of texts and pairs of texts: their classes as numbers, and their tokens."""

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedTokenizerBase

from lit_prune.data.bias.words import word_overlap
from lit_prune.data.sources.source import Row
from lit_prune.errors import UserError


def with_class(row: Row, split: str, label_ids: Mapping[str, int]) -> dict[str, Any]:
    """Return a row with the number of its class and the word overlap of its texts.

    Raises:
        UserError: its label is unknown, or it has a list of labels.
    """
    if (names := row.get("labels")) is not None:
        raise UserError(
            f"label of row {row['id']!r} in split {split!r} must be one class, got the list {names}: read a task of "
            "several labels (lit_prune.data.MultiLabelTask)"
        )
    if row["label"] not in label_ids:
        remedy = "; say in ood_train.labels of the task what it stands for" if split == "ood_train" else ""
        known = ", ".join(label_ids)
        raise UserError(
            f"unknown label {row['label']!r} of row {row['id']!r} in split {split!r}: choose from {known}{remedy}"
        )
    return {**row, "label": label_ids[row["label"]], "overlap": word_overlap(row["text_a"], row["text_b"])}


def tokenise_pairs(rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int) -> dict[str, Any]:
    """Tokenise the texts of rows, single or in pairs, truncated to a number of tokens."""
    pairs = rows["text_b"] if any(rows["text_b"]) else None
    return dict(tokenizer(rows["text_a"], pairs, truncation="longest_first", max_length=max_length))
