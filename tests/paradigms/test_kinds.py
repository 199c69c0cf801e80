"""Which head a task has."""

from types import SimpleNamespace

from lit_prune.data import GeneratedNli, GeneratedReading, SpanTask, Task
from lit_prune.heads import Classification, Span
from lit_prune.paradigms.kinds import make_head

ENCODER = SimpleNamespace(hidden_size=16, hidden_dropout=0.25, has_pooler=True)


def test_a_task_of_classes_has_a_classifier_as_the_encoder_wants_it():
    head = make_head(Task("nli", ["a", "b", "c"], GeneratedNli()), ENCODER)
    assert isinstance(head, Classification)
    assert head.classifier.weight.shape == (3, 16)
    assert head.dropout.p == 0.25
    unpooled = make_head(
        Task("nli", ["a", "b"], GeneratedNli()), SimpleNamespace(**vars(ENCODER) | {"has_pooler": False})
    )
    assert unpooled.out_proj.weight.shape == (2, 16)


def test_a_task_of_spans_has_a_head_over_tokens():
    head = make_head(SpanTask("reading", GeneratedReading()), ENCODER)
    assert isinstance(head, Span)
    assert head.outputs.weight.shape == (2, 16)
