"""Task heads on an encoder; one per task, by the task's name."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pooling: TypeAlias = Literal["first", "mean", "last"]
POOLINGS: tuple[Pooling, ...] = ("first", "mean", "last")


def pool(hidden: Tensor, attended: Tensor, pooling: Pooling) -> Tensor:
    """Pool the hidden states of each text, padded on the right.

    Args:
        hidden: Hidden states (batch, length, width).
        attended: 1 for a token, 0 for padding (batch, length).
        pooling: The state of the first token, the mean of all, or the state of the last token.

    Returns:
        The pooled states (batch, width).
    """
    if pooling == "first":
        return hidden[:, 0]
    if pooling == "mean":
        return (hidden * attended.unsqueeze(-1)).sum(1) / attended.sum(1, keepdim=True)
    return hidden[torch.arange(len(hidden), device=hidden.device), attended.sum(1) - 1]


@dataclass(frozen=True)
class Transform:
    """The layer before the classifier in the heads of some families: a matrix, its activation and, in some, a norm.

    Attributes:
        activation: `gelu` or `relu`.
        has_bias: True if the matrix has a bias.
        norm_eps: Epsilon of a LayerNorm after the activation, or None for no LayerNorm.
        norm_has_bias: True if the LayerNorm has a bias.
    """

    activation: str
    has_bias: bool = True
    norm_eps: float | None = None
    norm_has_bias: bool = True


ACTIVATIONS = {"gelu": nn.GELU, "relu": nn.ReLU}


class Encoder(Protocol):
    """The interface of an encoder under a head."""

    @property
    def hidden_size(self) -> int:
        """Width of the hidden states."""

    @property
    def hidden_dropout(self) -> float:
        """Dropout rate on hidden states."""

    @property
    def has_pooler(self) -> bool:
        """True if the encoder has a pooler of its own."""

    @property
    def head_transform(self) -> Transform | None:
        """The layer before the classifier in heads of the encoder's family, or None for RoBERTa's."""

    @property
    def token_transform(self) -> Transform | None:
        """The layer before the matrix of heads over every token in the encoder's family, or None."""

    def check_embedding(self, where: str, pooling: Pooling, normalise: bool) -> None:
        """Raise a UserError if the encoder belongs to a model of sentence embeddings that embeds in another way."""


class Head(nn.Module):
    """The base of all heads: their matrices are drawn alike."""

    def reset(self) -> None:
        """Draw the matrices anew, as wide as BERT's; biases are 0."""
        for matrix in self.modules():
            if isinstance(matrix, nn.Linear):
                nn.init.normal_(matrix.weight, std=0.02)
                if matrix.bias is not None:
                    nn.init.zeros_(matrix.bias)
            elif isinstance(matrix, nn.LayerNorm):
                matrix.reset_parameters()

    def _add_transform(self, hidden_size: int, transform: Transform) -> None:
        self.activation = ACTIVATIONS[transform.activation]()
        self.pre_classifier = nn.Linear(hidden_size, hidden_size, transform.has_bias)
        self.norm: nn.Module = nn.Identity()
        if transform.norm_eps is not None:
            self.norm = nn.LayerNorm(hidden_size, transform.norm_eps, bias=transform.norm_has_bias)

    def _transform(self, hidden: Tensor) -> Tensor:
        return self.norm(self.activation(self.pre_classifier(hidden)))  # type: ignore[no-any-return]


class Classification(Head):
    """A classifier over pooled hidden states, as in transformers for the encoder's family.

    Args:
        hidden_size: Width of the encoder.
        num_labels: Number of classes.
        dropout: Dropout rate before the classifier.
        pooled: True if the encoder has a pooler (BERT): the head is the matrix `classifier`. Otherwise it is `dense`,
            tanh and `out_proj` (RoBERTa), or with `transform`, `pre_classifier`, its activation, `norm` if there is
            one, and `classifier`.
        transform: The layer before the classifier in families that differ from RoBERTa.
    """

    def __init__(
        self, hidden_size: int, num_labels: int, dropout: float, pooled: bool, transform: Transform | None = None
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.pooled = pooled
        self.has_transform = transform is not None
        if pooled:
            self.classifier = nn.Linear(hidden_size, num_labels)
        elif transform is None:
            self.dense = nn.Linear(hidden_size, hidden_size)
            self.out_proj = nn.Linear(hidden_size, num_labels)
        else:
            self._add_transform(hidden_size, transform)
            self.classifier = nn.Linear(hidden_size, num_labels)
        self.reset()

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits (batch, classes) from hidden states (batch, length, width) and their pooling (batch, width)."""
        if self.pooled:
            return self.classifier(self.dropout(pooled))  # type: ignore[no-any-return]
        if self.has_transform:
            return self.classifier(self.dropout(self._transform(pooled)))  # type: ignore[no-any-return]
        return self.out_proj(self.dropout(self.dense(self.dropout(pooled)).tanh()))  # type: ignore[no-any-return]


class Regression(Classification):
    """One output for a text or a pair of texts, as BERT's authors have it for STS-B; the layers are a classifier's.

    Args:
        hidden_size: Width of the encoder.
        dropout: Dropout rate before the output.
        pooled: See `Classification`.
        transform: See `Classification`.
    """

    def __init__(self, hidden_size: int, dropout: float, pooled: bool, transform: Transform | None = None) -> None:
        super().__init__(hidden_size, 1, dropout, pooled, transform)


class Choice(Classification):
    """A score for each of several texts, one of which is right; the layers are a classifier's with one output.

    Args:
        hidden_size: Width of the encoder.
        num_choices: Number of texts in each row.
        dropout: Dropout rate before the output.
        pooled: See `Classification`.
        transform: See `Classification`.
    """

    def __init__(
        self, hidden_size: int, num_choices: int, dropout: float, pooled: bool, transform: Transform | None = None
    ) -> None:
        super().__init__(hidden_size, 1, dropout, pooled, transform)
        self.num_choices = num_choices

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits (batch, choices) from hidden states (batch * choices, ...), those of a row one after another."""
        return super().forward(hidden, pooled).view(-1, self.num_choices)


class Span(Head):
    """Where a span of the text begins and ends, by one matrix over every token, as BERT's for SQuAD in transformers.

    Args:
        hidden_size: Width of the encoder.
        transform: A layer before the matrix, `pre_classifier`, its activation and `norm`, in families that have one
            (ModernBERT).
    """

    def __init__(self, hidden_size: int, transform: Transform | None = None) -> None:
        super().__init__()
        self.has_transform = transform is not None
        if transform is not None:
            self._add_transform(hidden_size, transform)
        self.outputs = nn.Linear(hidden_size, 2)
        self.reset()

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits that a token is the first and that it is the last, (batch, length, 2), from hidden states alone."""
        return self.outputs(self._transform(hidden) if self.has_transform else hidden)  # type: ignore[no-any-return]


class Tokens(Head):
    """A classifier of every token, as in transformers for the encoder's family.

    Args:
        hidden_size: Width of the encoder.
        num_labels: Number of classes.
        dropout: Dropout rate before the classifier.
        transform: A layer before it, as for `Span`.
    """

    def __init__(self, hidden_size: int, num_labels: int, dropout: float, transform: Transform | None = None) -> None:
        super().__init__()
        self.has_transform = transform is not None
        if transform is not None:
            self._add_transform(hidden_size, transform)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden_size, num_labels)
        self.reset()

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits of each token's class (batch, length, classes) from hidden states alone."""
        hidden = self._transform(hidden) if self.has_transform else hidden
        return self.classifier(self.dropout(hidden))  # type: ignore[no-any-return]


class SpanPair(Head):
    """A classifier over two spans of tokens, as jiant's for SuperGLUE's WSC (Pruksachatkun et al. 2020).

    A span is the mean of its tokens' hidden states, weighted by the softmax of a score that one matrix gives each token
    (Lee et al. 2017). The scores have no bias: the softmax would not feel it.

    Args:
        hidden_size: Width of the encoder.
        num_labels: Number of classes.
        dropout: Dropout rate before the classifier.
    """

    def __init__(self, hidden_size: int, num_labels: int, dropout: float) -> None:
        super().__init__()
        self.scores = nn.Linear(hidden_size, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(2 * hidden_size, num_labels)
        self.reset()

    def forward(self, hidden: Tensor, pooled: Tensor, spans: Tensor) -> Tensor:
        """Return logits (batch, classes) from hidden states and the spans' tokens [first, last], (batch, 2, 2)."""
        tokens = torch.arange(hidden.shape[1], device=hidden.device)
        outside = (tokens < spans[..., :1]) | (tokens > spans[..., 1:])
        scores = self.scores(hidden).transpose(1, 2).masked_fill(outside, -torch.inf)
        pair = scores.softmax(-1).to(hidden.dtype) @ hidden
        return self.classifier(self.dropout(pair.flatten(1)))  # type: ignore[no-any-return]


class SentenceEmbedding(Head):
    """The pooled hidden states of a text, as in sentence-transformers (Reimers & Gurevych 2019); it has no parameters.

    Args:
        pooling: The pooling of hidden states.
        normalise: Divide each embedding by its length.
    """

    def __init__(self, pooling: Pooling, normalise: bool) -> None:
        super().__init__()
        self.pooling: Pooling = pooling
        self.normalise = normalise

    def forward(self, hidden: Tensor, pooled: Tensor, attention_mask: Tensor) -> Tensor:
        """Return embeddings (batch, width) from hidden states and the mask of padding (batch, length)."""
        embedding = pool(hidden, attention_mask, self.pooling)
        return F.normalize(embedding, dim=-1) if self.normalise else embedding
