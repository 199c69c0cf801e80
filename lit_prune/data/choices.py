"""`ChoiceTask`: which of several texts goes best with another, each pair being scored (COPA; in SuperGLUE)."""

from typing import TYPE_CHECKING, Any

from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.sources.source import Source
from lit_prune.data.table import tokenise_table
from lit_prune.data.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Choice, Encoder

if TYPE_CHECKING:
    from lit_prune.data.preparation import Preparation


class ChoiceTask(Task):
    """Rows whose `text_b` holds choices, one a line, of which one goes with `text_a`; labels are their numbers, from 1.

    The encoder reads each pair by itself, and the head scores it; the logits of a row are its choices' scores. Metrics
    are those of classes. OOD rows in training and bias models are of tasks of classes.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: Where the rows come from, as `CopaFiles`.
        num_choices: How many choices a row has.
        max_length: Tokens kept of a pair, None: the data module's.
        batch_size: Rows per training batch, None: the data module's.
        validation: A published cut of the training set for selection, as `fu2023/COPA`, None: the data module's share.
    """

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
        """How many choices a row has."""
        return len(self.labels)

    def make_head(self, encoder: Encoder) -> nn.Module:
        """A fresh head that scores each pair."""
        return Choice(encoder.hidden_size, self.num_choices, encoder.hidden_dropout, encoder.has_pooler)

    def read(self, split: str, how: "Preparation", labelled: bool = True) -> Dataset:
        """The rows of a split with the tokens of each choice; cached by content.

        Raises:
            UserError: the rows cannot be had, or one has another number of choices.
        """
        rows = self.read_rows(split, how, labelled)
        length = self.max_length or how.max_length
        return tokenise_table(rows, tokenise_choices, how.tokenizer, max_length=length, num_choices=self.num_choices)


def tokenise_choices(
    rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int, num_choices: int
) -> dict[str, Any]:
    """What the tokenizer returns of each row's choices: for each row a list of token lists, one a choice.

    Raises:
        UserError: a row has another number of choices.
    """
    choices = [text.split("\n") for text in rows["text_b"]]
    for name, found in zip(rows["id"], choices, strict=True):
        if len(found) != num_choices or not all(each.strip() for each in found):
            raise UserError(
                f"row {name!r} has {len(found)} choices {found}, needed are {num_choices}, one a line of text_b"
            )
    firsts = [text for text in rows["text_a"] for _ in range(num_choices)]
    seconds = [choice for found in choices for choice in found]
    flat = tokenizer(firsts, seconds, truncation="longest_first", max_length=max_length)
    return {
        name: [values[start : start + num_choices] for start in range(0, len(values), num_choices)]
        for name, values in flat.items()
    }
