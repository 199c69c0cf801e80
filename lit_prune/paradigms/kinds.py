"""Which head a task has, by its kind."""

from torch import nn

from lit_prune.data.spans import SpanTask
from lit_prune.data.task import Task
from lit_prune.encoder import PrunableEncoder
from lit_prune.heads import Classification, Span


def make_head(task: Task, encoder: PrunableEncoder) -> nn.Module:
    """A fresh head for a task."""
    if isinstance(task, SpanTask):
        return Span(encoder.hidden_size)
    return Classification(encoder.hidden_size, len(task.labels), encoder.hidden_dropout, encoder.has_pooler)
