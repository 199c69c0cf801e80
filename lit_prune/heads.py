"""Task heads on an encoder; one per task, by the task's name."""

from typing import Protocol

import torch
from torch import Tensor, nn


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
        """True if the encoder pools the first token itself."""


class Head(nn.Module):
    """The base of all heads: their matrices are drawn alike."""

    def reset(self) -> None:
        """Draw the matrices anew, as wide as BERT's; biases are 0."""
        for matrix in self.modules():
            if isinstance(matrix, nn.Linear):
                nn.init.normal_(matrix.weight, std=0.02)
                if matrix.bias is not None:
                    nn.init.zeros_(matrix.bias)


class Classification(Head):
    """A classifier over a pooled first token, as BERT's (`pooled`) or RoBERTa's (own dense layer) in transformers.

    Args:
        hidden_size: Width of the encoder.
        num_labels: Number of classes.
        dropout: Dropout rate before each matrix.
        pooled: The encoder has pooled already (BERT): the head is the one matrix `classifier`. Otherwise it is
            `dense`, tanh and `out_proj` (RoBERTa).
    """

    def __init__(self, hidden_size: int, num_labels: int, dropout: float, pooled: bool) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.pooled = pooled
        if pooled:
            self.classifier = nn.Linear(hidden_size, num_labels)
        else:
            self.dense = nn.Linear(hidden_size, hidden_size)
            self.out_proj = nn.Linear(hidden_size, num_labels)
        self.reset()

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits (batch, classes) from hidden states (batch, length, width) and the pooled token (batch, width)."""
        output = self.dropout(pooled)
        if self.pooled:
            return self.classifier(output)  # type: ignore[no-any-return]
        return self.out_proj(self.dropout(self.dense(output).tanh()))  # type: ignore[no-any-return]


class Regression(Classification):
    """A number for a text or a pair of texts: the one output of a head that is else that of a classifier.

    So transformers has it, and BERT's authors for STS-B; its matrices have a classifier's names.

    Args:
        hidden_size: Width of the encoder.
        dropout: Dropout rate before each matrix.
        pooled: See `Classification`.
    """

    def __init__(self, hidden_size: int, dropout: float, pooled: bool) -> None:
        super().__init__(hidden_size, 1, dropout, pooled)


class Choice(Classification):
    """A score for each of several texts, of which one is right: the one output of a head that is else a classifier's.

    Args:
        hidden_size: Width of the encoder.
        num_choices: How many texts there are in each row.
        dropout: Dropout rate before each matrix.
        pooled: See `Classification`.
    """

    def __init__(self, hidden_size: int, num_choices: int, dropout: float, pooled: bool) -> None:
        super().__init__(hidden_size, 1, dropout, pooled)
        self.num_choices = num_choices

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits (batch, choices) from hidden states (batch * choices, ...), those of a row one after another."""
        return super().forward(hidden, pooled).view(-1, self.num_choices)


class Span(Head):
    """Where a span of the text begins and ends, by one matrix over every token, as BERT's for SQuAD in transformers.

    Args:
        hidden_size: Width of the encoder.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.outputs = nn.Linear(hidden_size, 2)
        self.reset()

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Logits that a token is the first and that it is the last, (batch, length, 2), from hidden states alone."""
        return self.outputs(hidden)  # type: ignore[no-any-return]


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
