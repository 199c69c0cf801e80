"""Which head a task has, and tasks of several kinds in one run."""

import json
from types import SimpleNamespace

import pyarrow.parquet
import pytest

from lit_prune.checkpoints import KEY, read_checkpoint
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


TASKS = """
data:
  tasks:
    - class_path: lit_prune.data.Task
      init_args:
        name: nli
        labels: [contradiction, entailment, neutral]
        positive: entailment
        merge: {contradiction: non_entailment, neutral: non_entailment}
        source: {class_path: lit_prune.data.GeneratedNli, init_args: {num_train: 96, num_eval: 24}}
    - class_path: lit_prune.data.SpanTask
      init_args:
        name: reading
        source: {class_path: lit_prune.data.GeneratedReading, init_args: {num_train: 96, num_eval: 12}}
        windows: {max_length: 48, stride: 8, max_question_length: 16}
"""


def test_tasks_of_both_kinds_are_trained_and_selected_together(experiment, tmp_path):
    (tmp_path / "tasks.yaml").write_text(TASKS)
    code, folder = experiment("--config", str(tmp_path / "tasks.yaml"), config="configs/srnet_ce.yaml")
    assert code == 0
    values = json.loads((folder / "metrics.json").read_text())
    names = {"nli/id/accuracy", "reading/id/f1", "dense/reading/ood/f1", "dense_shifted/nli/ood/shift"}
    assert names <= values.keys()
    selected = read_checkpoint(folder / "checkpoints" / "best.ckpt")[KEY]["selected"]["mask"]["selection"]
    assert selected == pytest.approx((values["nli/validation/accuracy"] + values["reading/validation/f1"]) / 2)
    rows = pyarrow.parquet.read_table(folder / "predictions.parquet").to_pylist()
    assert sum((row["task"], row["split"]) == ("nli", "id") for row in rows) == 24
    assert sum((row["task"], row["split"]) == ("reading", "id") for row in rows) == 12
