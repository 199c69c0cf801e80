"""`EmbeddingTask`: texts as vectors that are compared by their cosine (Reimers & Gurevych 2019, Sentence-BERT)."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from lit_prune.data.sources.source import UNLABELLED, Row, Source
from lit_prune.data.tasks import embedding_metrics
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.data.tasks.task import Task
from lit_prune.errors import UserError
from lit_prune.heads import Encoder, Pooling, SentenceEmbedding
from lit_prune.losses import CosineSquaredError, InBatchContrastive, Loss

_ANY_WIDTH = 8
_PACKAGE = "sentence_transformers.models"


class EmbeddingSet(EvaluationSet):
    """A set whose logits are the embeddings of its pairs, (rows, 2, width), or of single texts, (rows, width).

    Pairs with scores measure whether their cosines follow the scores. Pairs without measure retrieval: each different
    first text is a query, and the second texts that it has in the set are to be found among all second texts.
    """

    whole_metrics: ClassVar[tuple[str, ...]] = (
        *("spearman", "pearson", "worst_group_spearman"),
        *("ndcg_at_10", "recall_at_1", "recall_at_10", "worst_group_ndcg_at_10"),
    )

    @property
    def logits_shape(self) -> tuple[int, ...]:
        """The shape of all its logits, with a width for checks, as a model has its own."""
        return len(self.rows), *([2] if any(self.rows["text_b"]) else []), _ANY_WIDTH

    @property
    def undefined(self) -> tuple[str, ...]:
        """The metrics that are the same for all models: correlations, if all scores are the same."""
        labels = self.row_labels
        return ("spearman", "pearson") if bool((labels == labels[:1]).all()) else ()

    def metrics(self, logits: Tensor) -> dict[str, float]:
        """Compute spearman and pearson of pairs with scores, else ndcg_at_10 and recall, by group too; and loss."""
        loss = {"loss": float(self._losses(logits).mean())}
        if not self._has_scores:
            return self._retrieval(logits) | loss
        return embedding_metrics.similarity(_cosines(logits), self.row_labels, self.rows["group"][:]) | loss

    def teacher_predictions(self, logits: Tensor) -> Tensor:
        """Return the teacher's embeddings."""
        return logits

    def predictions(self, logits: Tensor, names: Sequence[str]) -> dict[str, list[Any]]:
        """Return the columns of `predict`: id, and as prediction a pair's cosine or a single text's embedding."""
        values = logits if logits.ndim == 2 else _cosines(logits)
        return {"id": list(self.rows["id"]), "prediction": values.tolist()}

    def columns(self, logits: Tensor) -> dict[str, list[Any]]:
        """Return id, label, prediction, logits and loss of each pair; prediction and logit are its cosine."""
        cosines = _cosines(logits).tolist()
        return {
            "id": list(self.rows["id"]),
            "label": ["" if math.isnan(score) else str(score) for score in self.rows["label"][:]],
            "prediction": [str(cosine) for cosine in cosines],
            "logits": [[cosine] for cosine in cosines],
            "loss": self._losses(logits).tolist(),
        }

    @property
    def _has_scores(self) -> bool:
        return not bool(self.row_labels.isnan().any())

    def _losses(self, logits: Tensor) -> Tensor:
        """Compute the squared error of each pair's cosine, (rows,), or if it has no score, 1 - cosine."""
        cosines = _cosines(logits)
        return (cosines - self.row_labels) ** 2 if self._has_scores else 1 - cosines

    def _retrieval(self, logits: Tensor) -> dict[str, float]:
        firsts, seconds = self.rows["text_a"][:], self.rows["text_b"][:]
        queries = {text: row for row, text in reversed(list(enumerate(firsts)))}  # each text's first row
        found = {text: row for row, text in reversed(list(enumerate(seconds)))}
        numbers = {text: number for number, text in enumerate(queries)}, {text: n for n, text in enumerate(found)}
        relevant = torch.zeros(len(queries), len(found), dtype=torch.bool)
        for first, second in zip(firsts, seconds, strict=True):
            relevant[numbers[0][first], numbers[1][second]] = True
        embeddings = F.normalize(logits, dim=-1)
        cosines = embeddings[list(queries.values()), 0] @ embeddings[list(found.values()), 1].t()
        groups = [self.rows["group"][row] for row in queries.values()]
        return embedding_metrics.retrieval(cosines, relevant, groups)


class EmbeddingTask(Task):
    """Embeddings of texts, trained and measured on pairs.

    A pair has a score of how alike its texts are, or it has none and its texts belong together, such as a question and
    a passage. Metrics of pairs with scores are `spearman` and `pearson` of the cosine; of pairs without, `ndcg_at_10`
    and `recall_at_<k>` of the second texts among all of the set. OOD rows in training, bias models and groups are for
    tasks of classes only.

        EmbeddingTask("sts", GeneratedSimilarity(), max_score=5, loss=EmbeddingDistillation())

    Args:
        name: Names the head and every metric (`<name>/<split>/<metric>`).
        source: The pairs: any source of numbers as labels, `PairFiles` for pairs without scores.
        pooling: The pooling of hidden states: `mean`, `first` or `last`. It must be that of the backbone if this is a
            model of sentence-transformers.
        normalise: Divide each embedding by its length.
        max_score: Score of texts that mean the same; scores are from 0 to this. They are divided by it.
        loss: The loss in every phase: `CosineSquaredError` for pairs with scores, `InBatchContrastive` for pairs that
            belong together, or `EmbeddingDistillation`, which keeps the embeddings of the model that is pruned. If
            None, `InBatchContrastive`.
        max_length: Maximum number of tokens of a text. If None, the data module's.
        batch_size: Pairs per training batch. If None, the data module's.
        selection: The metric that selects checkpoints. If None, `spearman`, or with `InBatchContrastive` `ndcg_at_10`.
        num_train: Training pairs, drawn at random by the data module's seed. If None, all.
    """

    features = {**dict.fromkeys(("id", "text_a", "text_b", "group"), "string"), "label": "float64"}
    needs_labels = False
    reads_pooler = False
    settings = ("pooling", "normalise", "max_score", "max_length")
    head_inputs = ("attention_mask",)
    set_class = EmbeddingSet
    card_metrics = ("spearman", "ndcg_at_10", "recall_at_10")
    pipeline = "sentence-similarity"
    architecture = None
    loader = "sentence_transformers.SentenceTransformer(FOLDER)"

    def __init__(
        self,
        name: str,
        source: Source,
        pooling: Pooling = "mean",
        normalise: bool = True,
        max_score: float = 1.0,
        loss: Loss | None = None,
        max_length: int | None = None,
        batch_size: int | None = None,
        selection: str | None = None,
        num_train: int | None = None,
    ) -> None:
        if not 0 < max_score < math.inf:
            raise UserError(f"max_score of task {name!r} must be finite and above 0, got {max_score}: STS-B's is 5")
        self.name = name
        self.source = source
        self.pooling: Pooling = pooling
        self.normalise = normalise
        self.max_score = max_score
        self.loss = loss or InBatchContrastive()
        self.max_length = max_length
        self.batch_size = batch_size
        self.num_train = num_train
        contrasts = isinstance(self.loss, InBatchContrastive)
        self.selection = self.checked(selection or ("ndcg_at_10" if contrasts else "spearman"))

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The metrics that may select checkpoints."""
        return EmbeddingSet.whole_metrics

    def converter(self, split: str, labelled: bool) -> Callable[[Row], dict[str, Any]]:
        """Return the function that reads a pair and its score."""
        is_training, loss = split == "train", self.loss
        needs_score = True if is_training and isinstance(loss, CosineSquaredError) else None
        needs_score = False if is_training and isinstance(loss, InBatchContrastive) else needs_score
        return partial(with_score, split=split, max_score=self.max_score, labelled=labelled, needs_score=needs_score)

    def tokeniser(self, max_length: int) -> Callable[..., dict[str, Any]]:
        """Return the function that tokenises each text by itself."""
        return partial(tokenise_apart, max_length=self.max_length or max_length)

    def make_head(self, encoder: Encoder) -> nn.Module:
        """Build the pooling; a UserError if the backbone was trained with another one."""
        encoder.check_embedding(f"task {self.name!r}", self.pooling, self.normalise)
        return SentenceEmbedding(self.pooling, self.normalise)

    @property
    def output(self) -> str:
        """The meaning of the logits, for a model card."""
        return f"embeddings, the {self.pooling} of the hidden states{' divided by its length' * self.normalise}"

    @property
    def example_texts(self) -> str:
        """The arguments of the tokenizer in a model card's example."""
        return '["A text.", "Another text."], padding=True'

    @property
    def transformers_settings(self) -> dict[str, Any]:
        """Settings of the task in the configuration of its model in transformers: none."""
        return {}

    def files_beside(self, encoder: Any, max_length: int) -> Mapping[str, Any]:
        """Return the files by which sentence-transformers loads the encoder and pools its hidden states."""
        kinds = {"": "Transformer", "1_Pooling": "Pooling"} | ({"2_Normalize": "Normalize"} if self.normalise else {})
        modes = {"first": "cls_token", "mean": "mean_tokens", "last": "lasttoken"}
        own = encoder.sentence_modules
        longest = self.max_length or max_length if own is None or own.max_length is None else own.max_length
        return {
            "modules.json": [
                {"idx": number, "name": str(number), "path": path, "type": f"{_PACKAGE}.{kind}"}
                for number, (path, kind) in enumerate(kinds.items())
            ],
            "sentence_bert_config.json": {"max_seq_length": longest, "do_lower_case": False},
            "1_Pooling/config.json": {
                "word_embedding_dimension": encoder.hidden_size,
                **{f"pooling_mode_{mode}": pooling == self.pooling for pooling, mode in modes.items()},
            },
            "config_sentence_transformers.json": {} if own is None else dict(own.settings),
        }


def with_score(row: Row, split: str, max_score: float, labelled: bool, needs_score: bool | None) -> dict[str, Any]:
    """Return a pair with its score as a share of the largest, NaN if it has none.

    Args:
        row: The pair.
        split: Its split.
        max_score: The largest score.
        labelled: Whether it must be a pair.
        needs_score: Whether its loss needs a score, or if False, must not have one; None for either.

    Raises:
        UserError: There is no second text, no score where one is needed, one where none is, or it is out of range.
    """
    where = f"row {row['id']!r} in split {split!r}"
    if labelled and not row["text_b"]:
        raise UserError(f"text_b of {where} must be the second text of a pair, got none: name its column")
    try:
        score = float(row["label"]) if row["label"] != UNLABELLED else math.nan
    except ValueError:
        score = math.inf
    if needs_score and row["label"] == UNLABELLED:
        raise UserError(f"label of {where} must be a score, got none: set the loss InBatchContrastive for such pairs")
    if needs_score is False and row["label"] != UNLABELLED:
        raise UserError(
            f"label of {where} must be left out with the loss InBatchContrastive, for which pairs belong together, got "
            f"{row['label']!r}: set CosineSquaredError or EmbeddingDistillation"
        )
    if row["label"] != UNLABELLED and not 0 <= score <= max_score:
        raise UserError(
            f"label of {where} must be a score from 0 to max_score {max_score:g}, got {row['label']!r}: correct the "
            "row, or set max_score of the task"
        )
    texts = {name: row[name] for name in ("id", "text_a", "text_b", "group")}
    return {**texts, "label": score / max_score}


def tokenise_apart(rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int) -> dict[str, Any]:
    """Tokenise the texts of rows each by itself: for each row a list of token lists, one or two.

    Raises:
        UserError: some rows have a second text, but not all.
    """
    num_texts = 2 if any(rows["text_b"]) else 1
    if num_texts == 2 and not all(rows["text_b"]):
        name = rows["id"][rows["text_b"].index("")]
        raise UserError(f"text_b of row {name!r} must be a text, as other rows are pairs, got none: fill it in")
    texts = [row[:num_texts] for row in zip(rows["text_a"], rows["text_b"], strict=True)]
    flat = tokenizer([text for row in texts for text in row], truncation=True, max_length=max_length)
    return {
        name: [values[start : start + num_texts] for start in range(0, len(values), num_texts)]
        for name, values in flat.items()
    }


def _cosines(logits: Tensor) -> Tensor:
    """Return the cosine of each pair, (rows,), from embeddings (rows, 2, width)."""
    first, second = logits.unbind(1)
    return F.cosine_similarity(first, second)
