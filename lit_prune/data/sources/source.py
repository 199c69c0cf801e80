"""`Source`: the rows of a task, split by split."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

UNLABELLED = ""  # the label of a row whose class is not known
UNLABELLED_SPLIT = "unlabelled"


class Row(TypedDict):
    """One example; every source yields this.

    Attributes:
        id: Name of the row, unique inside its split; bias and teacher rows are joined by it.
        text_a: First text (premise, first question, claim, ...).
        text_b: Second text, "" for a task of single texts.
        label: Name of the class; `UNLABELLED` in rows to predict only.
        group: Subset that is reported apart (HANS: the heuristic), or "".
    """

    id: str
    text_a: str
    text_b: str
    label: str
    group: str


class SpanRow(Row):
    """A question and the text that answers it: `text_a` and `text_b`, without a label.

    Attributes:
        answers: The answers that are right, each as it stands in the text; one or more, and the first is trained on.
        starts: Where each begins, in characters of the text.
    """

    answers: list[str]
    starts: list[int]


class MentionRow(Row):
    """A text, `text_a`, in which two words or phrases are marked.

    Attributes:
        mentions: Where each of the two begins and ends in the text, in characters: [[start, end], [start, end]], the
            end beyond its last one.
    """

    mentions: list[list[int]]


class LabelsRow(Row):
    """A text or a pair with any number of labels; its `label` is `UNLABELLED`.

    Attributes:
        labels: Names of the labels, each once; empty if it has none.
    """

    labels: list[str]


class TokensRow(Row):
    """A text, `text_a`, whose words are tagged; without a label.

    Attributes:
        words: Where each word begins and ends in the text, in characters: [[start, end], ...] in their order, the end
            beyond its last one.
        tags: A tag for each word.
    """

    words: list[list[int]]
    tags: list[str]


class Layout(NamedTuple):
    """A file layout other than a table: whose it is, and the function that reads the rows of a file."""

    owner: str
    read: Callable[[Path], Iterator[Row]]


class Source(ABC):
    """The raw rows of a task, split by split.

    Splits are named `train`, `id`, `id_mismatched`, `ood` (or `ood_<set>` where there are several), `ood_train`: rows
    without the bias that the task adds to its training set (OOD-informed training, SRNets Fig. 6),
    `unlabelled`: rows without labels that it adds to its training set, and `validation_ood`: rows without the bias,
    beside the OOD sets, for reports on what selection by them would gain.

    Attributes:
        version: Version of the rows, None if they have none. Results on different versions are not comparable.
    """

    version: int | None = None

    @abstractmethod
    def available(self, root: str | None) -> list[str]:
        """Return the splits that can be read; training needs `train`. Without `id`, one is cut from `train`.

        Args:
            root: Folder of the data (`--data.root`); sources without files ignore it.

        Raises:
            UserError: something that every run needs is missing.
        """

    @abstractmethod
    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return a small value that changes whenever the split's rows would: the key of the cache."""

    @abstractmethod
    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """Yield the rows of a split.

        Raises:
            UserError: the rows cannot be read, or one of them has another form than the source expects.
        """


class NoRows(Source):
    """A source without any split, for the tasks of a model that is loaded."""

    def available(self, root: str | None) -> list[str]:
        """Return no split."""
        return []

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """Return nothing."""
        return iter(())
