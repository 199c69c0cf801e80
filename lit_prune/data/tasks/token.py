"""`TokenTask`: a tag for each word of a text, such as those of named entities (Devlin et al. 2019, section 5.3)."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from lit_prune.data.batch import NO_LABEL
from lit_prune.data.metric_names import check_class_names
from lit_prune.data.sources.source import Layout, Row, Source, TokensRow
from lit_prune.data.sources.words import find_words
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.span import number_ids
from lit_prune.data.tasks.tags import OUTSIDE, bio_tags, to_bio
from lit_prune.data.tasks.task import Task
from lit_prune.data.tasks.token_set import TokenSet
from lit_prune.data.tasks.word_windows import tokenise_words
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, Tokens
from lit_prune.losses import TokenCrossEntropy

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

_MACRO = "macro"  # `f1_macro` is the mean of `f1_<type>`


class TokenTask(Task):
    """Classification of the words of a text: named entities, or with `entities=False` plain tags (parts of speech).

        TokenTask("ner", ["person", "place"], ConllFiles({"train": ["train.txt"], "id": ["test.txt"]}))

    The first token of a word stands for it. Texts longer than `max_length` become windows that overlap; each word is
    trained on and predicted in the one that shows most around it. The loss is the mean cross-entropy over words, in
    every phase. Metrics are over whole texts: `precision`, `recall` and `f1` of entities, and `word_accuracy`; of plain
    tags the `accuracy` of words. OOD rows in training and bias models are for tasks of classes only.

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        labels: Entity types; the logits' classes are their tags in BIO: O, B-<type>, I-<type>. Without entities, the
            tags themselves.
        source: The rows, with tags: `ConllFiles`, `SpanFiles`, `GeneratedEntities`. Tags of entities may be in IO, BIO,
            BILOU or BIOES, and are converted.
        entities: Whether tags mark entities.
        max_length: Maximum number of tokens of a window. If None, the data module's.
        window_overlap: Share of a window's tokens that the next one has too, at least 0 and below 1.
        batch_size: Windows per training batch. If None, the data module's.
        selection: The metric that selects checkpoints. If None, `f1`, or `accuracy` of plain tags.
    """

    features = {
        **dict.fromkeys(("id", "text_a", "group"), "string"),
        "words": [["int64"]],
        "tags": ["int64"],
    }
    settings = ("labels", "entities", "max_length", "window_overlap")
    makes_windows = True
    reads_pooler = False
    labels_tokens = True
    set_class = TokenSet
    card_metrics = ("precision", "recall", "f1", "word_accuracy", "accuracy")
    pipeline = "token-classification"
    architecture = "TokenClassification"

    def __init__(
        self,
        name: str,
        labels: list[str],
        source: Source,
        entities: bool = True,
        max_length: int | None = None,
        window_overlap: float = 0.25,
        batch_size: int | None = None,
        selection: str | None = None,
    ) -> None:
        self.name = name
        self.labels = tuple(labels)
        self.source = source
        self.entities = entities
        self.max_length = max_length
        self.window_overlap = window_overlap
        self.batch_size = batch_size
        self.loss = TokenCrossEntropy()
        if not labels or len(set(labels)) < len(labels):
            raise UserError(f"labels of task {name!r} must be different names, got {labels}: correct them")
        check_class_names(name, labels)
        wrong = [label for label in labels if label in (OUTSIDE, _MACRO) or label.startswith(("B-", "I-"))]
        if entities and wrong:
            raise UserError(
                f"labels of task {name!r} must be types of entities, not O or macro, without prefixes such as B-, got "
                f"{wrong[0]!r}: rename it, or set `entities: false` for plain tags"
            )
        if not 0 <= window_overlap < 1:
            raise UserError(f"window_overlap of task {name!r} must be in [0, 1), got {window_overlap}: try 0.25")
        self.selection = self.checked(selection or ("f1" if entities else "accuracy"))

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints."""
        if not self.entities:
            return "accuracy", "worst_group_accuracy"
        of_types = (f"f1_{kind}" for kind in self.labels)
        return "f1", "precision", "recall", "f1_macro", "worst_group_f1", "word_accuracy", *of_types

    @property
    def classes(self) -> tuple[str, ...]:
        """The tags that the logits are of."""
        return bio_tags(self.labels) if self.entities else self.labels

    def absent_labels(self, train: "Dataset") -> list[str]:
        """Return the types, or plain tags, that no training row has."""
        seen = {self.classes[number] for number in set(chain.from_iterable(train["tags"][:]))}
        return [label for label in self.labels if (f"B-{label}" if self.entities else label) not in seen]

    def evaluation_set(self, split: str, rows: "Dataset") -> EvaluationSet:
        """Wrap the windows of a split as a set to evaluate on; a UserError if two texts have one id."""
        texts = [name for (name, _), _ in groupby(zip(rows["id"][:], rows["text_a"][:], strict=True))]
        if twice := [name for name, number in Counter(texts).items() if number > 1]:
            raise UserError(
                f"ids of the rows of {self.name}/{split} must differ, got {twice[0]!r} twice: rename one, or leave "
                "`id` out of `columns`"
            )
        types = self.labels if self.entities else ()
        return TokenSet(task=self.name, split=split, rows=rows, classes=self.classes, types=types)

    def converter(self, split: str, labelled: bool) -> Callable[[Row], dict[str, Any]]:
        """Return the function that numbers a row's tags; words of unlabelled rows are found in their text."""
        convert = partial(with_tags, split=split, labels=self.labels, entities=self.entities)
        return cast(Callable[[Row], dict[str, Any]], convert if labelled else with_words)

    def tokeniser(self, max_length: int) -> Callable[..., dict[str, Any]]:
        """Return the function that tokenises texts in windows, those of a text in a row."""
        return partial(tokenise_words, max_length=self.max_length or max_length, overlap=self.window_overlap)

    def units(self, rows: "Dataset") -> "np.ndarray":
        """Number the text of each window from 0, (windows,)."""
        return number_ids(rows["id"][:])

    def layout(self, labelled: bool) -> Layout | None:
        """Return the layouts of files with tags, spans or a word a line; texts to predict are in tables."""
        from lit_prune.data.sources.spans import read_tagged  # not above: a served model reads no files

        return Layout("CoNLL's or the spans'", read_tagged) if labelled else None

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build a head over every token."""
        return Tokens(encoder.hidden_size, self.num_outputs, encoder.hidden_dropout, encoder.token_transform)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return f"tags of words, of the first token of each: {', '.join(self.classes)}"

    @property
    def example_texts(self) -> str:
        """The arguments of the tokenizer in a model card's example."""
        return '"A text."'

    @property
    def example_predictions(self) -> str:
        """The line of a model card's example that makes logits tags of tokens."""
        return "predictions = [model.labels[number] for number in logits[0].argmax(-1)]\n"

    @property
    def num_outputs(self) -> int:
        """The logits of a token."""
        return len(self.classes)

    @property
    def transformers_settings(self) -> dict[str, Any]:
        """Settings of the task in the configuration of its model in transformers."""
        return {
            "id2label": dict(enumerate(self.classes)),
            "label2id": {tag: number for number, tag in enumerate(self.classes)},
        }


def with_words(row: Row) -> dict[str, Any]:
    """Return the columns of an unlabelled row, whose words are found."""
    words = find_words(row["text_a"])
    return {**_shared(row), "words": words, "tags": [NO_LABEL] * len(words)}


def with_tags(row: TokensRow, split: str, labels: Sequence[str], entities: bool) -> dict[str, Any]:
    """Return the columns of a row, its tags numbered.

    Raises:
        UserError: The row has no tags, or one is unknown.
    """
    where = f"row {row['id']!r} in split {split!r}"
    if "tags" not in row:
        raise UserError(
            f"tags of {where} must be those of words, got a label: read the task from ConllFiles, SpanFiles or "
            "GeneratedEntities"
        )
    tags, classes = row["tags"], labels
    if row["group"] == _MACRO:
        raise UserError(f"group of {where} must not be {_MACRO}, whose F1 is the mean over types: rename it")
    if entities:
        tags, classes = to_bio(tags, labels, where), bio_tags(labels)
    numbers = {tag: number for number, tag in enumerate(classes)}
    if unknown := [tag for tag in tags if tag not in numbers]:
        raise UserError(f"unknown tag {unknown[0]!r} of {where}: choose from {', '.join(classes)}")
    return {**_shared(row), "words": row["words"], "tags": [numbers[tag] for tag in tags]}


def _shared(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "text_a", "group")}
