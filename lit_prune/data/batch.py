"""Batches of one task, made of tokenised rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from lit_prune.data.groups import GROUP
from lit_prune.errors import UserError
from lit_prune.losses import Examples
from lit_prune.losses.loss import HiddenStates

if TYPE_CHECKING:
    from lit_prune.data.tasks.task import Task

NO_LABEL = -100  # of a token that stands for no word, and of a word without a tag
UNKNOWN = -1  # of a token that stands for a word without a tag
_MULTIPLE = 8  # the length of a batch, in tokens: what GPUs are fastest at


@dataclass
class Batch:
    """Rows of one task, padded; with several processes, those of the step's rows that this one gets.

    Attributes:
        task: The task's name; selects the head.
        inputs: `input_ids`, `attention_mask`, ..., each (batch, length); of rows with several texts, such as choices,
            (batch * texts, length), those of a row one after another.
        labels: Class indices (batch,); from the number of classes on, those of merged classes. For regression and for
            pairs to embed, numbers (batch,) float32, NaN without a score. For spans, the first and the last token
            (batch, 2). For several labels, 1 or 0 for each (batch, labels) float32. For tokens, their classes (batch,
            length), `UNKNOWN` or `NO_LABEL`. Of unlabelled rows -1, or NaN for numbers.
        index: Row numbers within their set (batch,).
        bias: The bias model's log-probabilities (batch, classes), in training sets with a bias model.
        weight: This process' share of the step's rows over the mean share of all processes: the mean over processes of
            their weighted mean losses is the mean over the step's rows. 0 if no row was left for this process.
        classes: For each label, whether it may be each class, (labels, classes) bool. If None, no classes are merged.
        head_inputs: What the task's head reads beside hidden states and the pooled token, by the argument's name.
        groups: Numbers of the rows' groups (batch,) int64, in training sets with groups.
    """

    task: str
    inputs: dict[str, Tensor]
    labels: Tensor
    index: Tensor
    bias: Tensor | None = None
    weight: float = 1.0
    classes: Tensor | None = None
    head_inputs: dict[str, Tensor] = field(default_factory=dict)
    groups: Tensor | None = None

    def examples(
        self, progress: float, pooled: Tensor, teacher: Tensor | None, hidden: HiddenStates | None = None
    ) -> Examples:
        """Return the context of a loss; see `Examples` for the arguments."""
        return Examples(
            self.labels,
            self.bias,
            self.classes,
            self.weight,
            teacher,
            pooled,
            progress,
            self.index,
            self.groups,
            hidden,
        )


def padded_length(longest: int) -> int:
    """Return the number of tokens that a batch is padded to, given that of its longest row."""
    return -(-longest // _MULTIPLE) * _MULTIPLE


def check_length(setting: str, max_length: int, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise a UserError if rows of so many tokens have no room for two texts, or their batches are too long.

    Args:
        setting: Names the length in errors.
        max_length: Maximum number of tokens of a row.
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
        tokenizer: Pads; its `model_input_names` are the encoder's inputs.
        tasks: The tasks of the rows, by name.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, tasks: Mapping[str, "Task"]) -> None:
        self.tokenizer = tokenizer
        self.classes = {name: task.label_classes for name, task in tasks.items()}
        self.head_inputs = {name: task.head_inputs for name, task in tasks.items()}
        self.labels_tokens = {name: task.labels_tokens for name, task in tasks.items()}

    def columns(self, task: str) -> set[str]:
        """Return the names of the columns that batches of a task are made of."""
        return {*self.tokenizer.model_input_names, "label", "bias", GROUP, *self.head_inputs[task]}

    def __call__(self, rows: Any) -> Batch:
        """Make a batch from the columns of its rows (`task`, `weight`: one value; every other column: a list)."""
        task = rows["task"]
        inputs = {name: _flat(rows[name]) for name in self.tokenizer.model_input_names if name in rows}
        padded = self.tokenizer.pad(inputs, pad_to_multiple_of=_MULTIPLE, return_tensors="pt")
        labels = rows["label"]
        if self.labels_tokens[task]:
            length = padded["input_ids"].shape[1]
            labels = [[*each, *[NO_LABEL] * (length - len(each))] for each in labels]
        return Batch(
            task=task,
            inputs=dict(padded),
            labels=torch.tensor(labels),
            index=torch.tensor(rows["index"]),
            bias=torch.tensor(rows["bias"]) if "bias" in rows else None,
            weight=rows["weight"],
            classes=self.classes[task],
            head_inputs={
                name: padded[name] if name in padded else torch.tensor(rows[name]) for name in self.head_inputs[task]
            },
            groups=torch.tensor(rows[GROUP]) if GROUP in rows else None,
        )


def _flat(values: list[Any]) -> list[list[int]]:
    """Return the token lists of rows, of which each has one, or one for each of its choices."""
    return [tokens for row in values for tokens in row] if isinstance(values[0][0], list) else values
