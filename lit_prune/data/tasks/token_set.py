"""`TokenSet`: documents of tagged words in windows of tokens, their predictions and metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lit_prune.data.batch import NO_LABEL, padded_length
from lit_prune.data.tasks.entities import entity_metrics
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.tags import Entity, find_entities
from lit_prune.data.tasks.word_windows import KEPT, NO_TOKEN
from lit_prune.metrics import of_groups

_OF_ENTITIES = ("f1", "precision", "recall", "f1_macro", "worst_group_f1")


class Document(NamedTuple):
    """A document with a model's predictions.

    Attributes:
        id: Its name.
        group: Its group, or "".
        text: Its text.
        words: Where each word begins and ends in the text, in characters.
        right: The tag of each word, "" if unknown.
        predicted: The predicted tag of each word. Of a word without a token it is O, or "" if tags are no entities.
        scores: The probability of each predicted tag, 1 for words without a token.
        losses: The negative log-likelihood of the right tags, of words with a token.
    """

    id: str
    group: str
    text: str
    words: list[list[int]]
    right: list[str]
    predicted: list[str]
    scores: list[float]
    losses: list[float]


@dataclass(frozen=True)
class TokenSet(EvaluationSet):
    """A set of documents: its rows are windows, whose logits are (windows, length, tags).

    Attributes:
        classes: Tags, in the order of the logits.
        types: The entity types, whose tags in BIO are the classes; empty if tags are no entities.
    """

    whole_metrics: ClassVar[tuple[str, ...]] = (*_OF_ENTITIES, "word_accuracy", "accuracy", "worst_group_accuracy")
    error_metrics: ClassVar[tuple[str, ...]] = ("loss",)

    classes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits: (windows, length, tags), the length of the longest window in a batch."""
        from lit_prune.data.table import count_tokens  # not above: a served model has no rows

        return len(self.rows), padded_length(int(count_tokens(self.rows).max())), len(self.classes)

    @property
    def row_labels(self) -> Tensor:
        """The tag of each token that stands for a word, (windows, length); `NO_LABEL` for others."""
        labels = [torch.tensor(each) for each in self.rows["label"][:]]
        padded = pad_sequence(labels, batch_first=True, padding_value=NO_LABEL)
        return torch.nn.functional.pad(padded, (0, self.logits_shape[1] - padded.shape[1]), value=NO_LABEL)

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are the same for all models: those of entities that do not occur."""
        found = {self.classes[number].partition("-")[2] for number in chain.from_iterable(self.rows["tags"][:])}
        absent = tuple(f"f1_{kind}" for kind in self.types if kind not in found)
        return absent if found & {*self.types} or not self.types else (*_OF_ENTITIES, *absent)

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute the loss and the metrics of entities and of words; without entities, of words and groups.

        The accuracy of words is `word_accuracy` beside entities, which it hardly measures, and else `accuracy`.
        """
        documents = self.documents(logits)
        losses = [loss for each in documents for loss in each.losses]
        values = {"loss": float(np.mean(losses)) if losses else 0.0}
        groups = [each.group for each in documents]
        if self.types:
            predicted = [find_entities(each.predicted) for each in documents]
            right = [find_entities(each.right) for each in documents]
            values |= entity_metrics(predicted, right, self.types, groups)
            return values | {"word_accuracy": _accuracy(documents)}

        def accuracy(chosen: Tensor) -> float:
            return _accuracy([documents[number] for number in chosen.nonzero().flatten().tolist()])

        return values | {"accuracy": _accuracy(documents)} | of_groups("accuracy", groups, accuracy)

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the columns of `predict`, a row for each predicted entity, or for each word if tags are no entities.

        They are the document's id, the characters from `start` to before `end`, their `text`, the type or tag as
        `label`, and as `score` the mean probability of the tags of its words. Documents without an entity have no row.
        """
        rows = []
        for each in self.documents(logits):
            for kind, first, last in self._spans(each.predicted):
                start, end = each.words[first][0], each.words[last][1]
                score = float(np.mean(each.scores[first : last + 1]))
                rows.append((each.id, start, end, each.text[start:end], kind, score))
        columns = zip(*rows, strict=True) if rows else [()] * 6
        return dict(zip(("id", "start", "end", "text", "label", "score"), map(list, columns), strict=True))

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """Return id, label, prediction, logits and loss of each document.

        Label and prediction are the tags of all words, separated by tabs; `logits` has the mean probability of the
        predicted tags only.
        """
        documents = self.documents(logits)
        return {
            "id": [each.id for each in documents],
            "label": ["\t".join(each.right) for each in documents],
            "prediction": ["\t".join(each.predicted) for each in documents],
            "logits": [[float(np.mean(each.scores))] for each in documents],
            "loss": [float(np.mean(each.losses)) if each.losses else 0.0 for each in documents],
        }

    def documents(self, logits: Tensor) -> list[Document]:
        """Return the documents with a model's predictions, each word's from the window that it belongs to."""
        num_words = [len(each) for each in self.rows["words"][:]]
        words, tags, positions = (chain.from_iterable(self.rows[name][:]) for name in ("words", "tags", "positions"))
        place, right = np.array([*positions]), np.array([*tags])
        each_word = np.arange(len(place))
        log_probs = logits[np.repeat(np.arange(len(num_words)), num_words), place].double().log_softmax(-1).numpy()
        predicted = np.where(place == NO_TOKEN, 0 if self.types else -1, log_probs.argmax(-1))
        scores = np.where(place == NO_TOKEN, 1.0, np.exp(log_probs[each_word, predicted]))
        losses = -log_probs[each_word, np.maximum(right, 0)]
        has_loss = (place != NO_TOKEN) & (right != NO_LABEL)
        names = np.array([*self.classes, ""])
        columns = names[np.where(right == NO_LABEL, -1, right)], names[predicted], scores, losses, has_loss
        of_words = zip(words, *(each.tolist() for each in columns), strict=True)

        documents: dict[str, Document] = {}
        windows = zip(*(self.rows[name][:] for name in KEPT), num_words, strict=True)
        for name, text, group, number in windows:
            document = documents.setdefault(name, Document(name, group, text, [], [], [], [], []))
            for word, tag, found, score, loss, is_counted in islice(of_words, number):
                document.words.append(word)
                document.right.append(tag)
                document.predicted.append(found)
                document.scores.append(score)
                document.losses.extend([loss] * is_counted)
        return [*documents.values()]

    def _spans(self, tags: list[str]) -> list[Entity]:
        if self.types:
            return find_entities(tags)
        return [Entity(tag, word, word) for word, tag in enumerate(tags) if tag]


def _accuracy(documents: Sequence[Document]) -> float:
    """Compute the share of words whose tag is right."""
    pairs = chain.from_iterable(zip(each.predicted, each.right, strict=True) for each in documents)
    return float(np.mean([predicted == right for predicted, right in pairs]))
