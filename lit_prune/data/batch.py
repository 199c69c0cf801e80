"""A batch of one task, and how tokenised rows become one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from lit_prune.errors import UserError
from lit_prune.losses import Examples

_MULTIPLE = 8  # the length of a batch, in tokens: what GPUs are fastest at


@dataclass
class Batch:
    """Rows of one task, padded; with several processes, those of the step's rows that this one gets.

    Attributes:
        task: The task's name; picks the head.
        inputs: `input_ids`, `attention_mask`, ..., each (batch, length); of choices (batch * choices, length), those of
            a row one after another.
        labels: Class indices (batch,); from the number of classes on, those of merged classes. Of similarity, numbers
            (batch,) float32. Of spans, the first and the last token (batch, 2).
        index: Row numbers within their set (batch,).
        bias: The bias model's log-probabilities (batch, classes), in training sets that have a bias model.
        weight: How many of the step's rows are here, over the mean of all processes: the mean over processes of their
            weighted mean losses is the mean over the step's rows. 0 where there was no row left for this process.
        classes: For each label, whether it may be each class, (labels, classes) bool; None: no classes are merged.
        spans: The tokens [first, last] of each row's two mentions (batch, 2, 2), of tasks that have such.
    """

    task: str
    inputs: dict[str, Tensor]
    labels: Tensor
    index: Tensor
    bias: Tensor | None = None
    weight: float = 1.0
    classes: Tensor | None = None
    spans: Tensor | None = None

    @property
    def head_inputs(self) -> dict[str, Tensor]:
        """What the task's head reads beside hidden states and the pooled token, by the name of its argument."""
        return {} if self.spans is None else {"spans": self.spans}

    def examples(self, progress: float, pooled: Tensor, teacher: Tensor | None) -> Examples:
        """Return the context of a loss; see `Examples` for the arguments."""
        return Examples(
            self.labels, self.bias, self.classes, self.weight, teacher, pooled, progress=progress, index=self.index
        )


def padded_length(longest: int) -> int:
    """Tokens that a batch is padded to, whose longest row has so many."""
    return -(-longest // _MULTIPLE) * _MULTIPLE


def check_length(setting: str, max_length: int, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise a UserError if rows of so many tokens have no room for two texts, or their batches are too long.

    Args:
        setting: Names the length in errors.
        max_length: The tokens kept of a row.
        tokenizer: The encoder's; its `model_max_length` is the number of the encoder's positions.
    """
    num_special = tokenizer.num_special_tokens_to_add(pair=True)
    if max_length < num_special + 2:
        raise UserError(
            f"{setting} must be at least {num_special + 2}, got {max_length}: {num_special} are special tokens, and "
            "each of two texts needs one"
        )
    if padded_length(max_length) > tokenizer.model_max_length:
        largest = tokenizer.model_max_length // _MULTIPLE * _MULTIPLE
        raise UserError(
            f"{setting} must be at most {largest}, got {max_length}: the encoder has {tokenizer.model_max_length} "
            f"positions, and batches are padded to a multiple of {_MULTIPLE}"
        )


class Collate:
    """Pads rows to the longest of the batch, rounded up to a multiple of 8.

    Args:
        tokenizer: Pads; its `model_input_names` are what the encoder gets.
        classes: What the labels of a task are, where it merges classes: `Batch.classes` by task.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, classes: Mapping[str, Tensor | None] | None = None) -> None:
        self.tokenizer = tokenizer
        self.classes = dict(classes or {})

    def __call__(self, rows: Any) -> Batch:
        """A batch from the columns of its rows (`task`, `weight`: one value; every other column: a list)."""
        inputs = {name: _flat(rows[name]) for name in self.tokenizer.model_input_names if name in rows}
        padded = self.tokenizer.pad(inputs, pad_to_multiple_of=_MULTIPLE, return_tensors="pt")
        return Batch(
            task=rows["task"],
            inputs=dict(padded),
            labels=torch.tensor(rows["label"]),
            index=torch.tensor(rows["index"]),
            bias=torch.tensor(rows["bias"]) if "bias" in rows else None,
            weight=rows["weight"],
            classes=self.classes.get(rows["task"]),
            spans=torch.tensor(rows["spans"]) if "spans" in rows else None,
        )


def _flat(values: list[Any]) -> list[list[int]]:
    """The token lists of rows, of which each has one, or a list of them for its choices."""
    return [tokens for row in values for tokens in row] if isinstance(values[0][0], list) else values
