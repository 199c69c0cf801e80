"""`ChoiceTask`: which of several texts goes best with another, each pair being scored (COPA; in SuperGLUE)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.sources.source import Source
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Choice, Encoder


class ChoiceTask(Task):
    """Rows whose `text_b` lists choices, one a line, of which one goes with `text_a`; labels are their numbers, from 1.

    The encoder reads each pair by itself, and the head scores it; the logits of a row are its choices' scores. Metrics
    are those of classes. OOD rows in training and bias models are for tasks of classes only.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: The rows, such as `CopaFiles`.
        num_choices: Choices of a row.
        max_length: Maximum number of tokens of a pair. If None, the data module's.
        batch_size: Rows per training batch. If None, the data module's.
        validation: A published validation cut of the training set, such as `fu2023/COPA`. If None, a random cut of the
            data module's share.
    """

    settings = ("num_choices", "max_length")
    architecture = None

    def __init__(
        self,
        name: str,
        source: Source,
        num_choices: int = 2,
        max_length: int | None = None,
        batch_size: int | None = None,
        validation: str | None = None,
    ) -> None:
        numbers = [str(number) for number in range(1, num_choices + 1)]
        super().__init__(name, numbers, source, max_length=max_length, batch_size=batch_size, validation=validation)

    @property
    def num_choices(self) -> int:
        """The number of choices of a row."""
        return len(self.labels)

    def tokeniser(self, max_length: int) -> Callable[..., dict[str, Any]]:
        """Return the function that tokenises each choice with its text."""
        return partial(tokenise_choices, max_length=self.max_length or max_length, num_choices=self.num_choices)

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build a head that scores each pair."""
        size, dropout = encoder.hidden_size, encoder.hidden_dropout
        return Choice(size, self.num_choices, dropout, encoder.has_pooler, encoder.head_transform)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return f"which of {self.num_choices} choices goes best with a text"

    @property
    def example_texts(self) -> str:
        """The arguments of the tokenizer in a model card's example."""
        choices = ", ".join(f'"Choice {number}."' for number in self.labels)
        return f'["A text."] * {self.num_choices}, [{choices}], padding=True'


def tokenise_choices(
    rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int, num_choices: int
) -> dict[str, Any]:
    """Tokenise the choices of rows: for each row a list of token lists, one a choice.

    Raises:
        UserError: a row has another number of choices.
    """
    choices = [text.split("\n") for text in rows["text_b"]]
    for name, found in zip(rows["id"], choices, strict=True):
        if len(found) != num_choices or not all(each.strip() for each in found):
            raise UserError(
                f"text_b of row {name!r} must have {num_choices} choices, one a line, got {len(found)} {found}: "
                "correct the row, or num_choices"
            )
    firsts = [text for text in rows["text_a"] for _ in range(num_choices)]
    seconds = [choice for found in choices for choice in found]
    flat = tokenizer(firsts, seconds, truncation="longest_first", max_length=max_length)
    return {
        name: [values[start : start + num_choices] for start in range(0, len(values), num_choices)]
        for name, values in flat.items()
    }
