"""Names of plain transformers and back."""

import pytest
import torch

from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import rebuild
from lit_prune.encoders.counterpart import counterpart_of
from lit_prune.export.formats.dense import FILE, HEAD_FILE, join, split

STATE = {name: torch.zeros(1) for name in ("encoder.backbone.a.weight", "encoder.backbone.b.bias")}


@pytest.mark.parametrize(
    ("model_type", "kind", "head", "expected"),
    [
        ("bert", "Task", ["classifier.bias"], {FILE: {"bert.a.weight", "bert.b.bias", "classifier.bias"}}),
        ("bert", "SpanTask", ["outputs.bias"], {FILE: {"bert.a.weight", "bert.b.bias", "qa_outputs.bias"}}),
        ("roberta", "Task", ["dense.bias"], {FILE: {"roberta.a.weight", "roberta.b.bias", "classifier.dense.bias"}}),
        ("bert", "MentionTask", ["scores.weight"], {FILE: {"a.weight", "b.bias"}, HEAD_FILE: {"scores.weight"}}),
        ("other", "Task", ["dense.bias"], {FILE: {"a.weight", "b.bias"}, HEAD_FILE: {"dense.bias"}}),
        (
            "nomic_bert",
            "Task",
            ["dense.bias"],
            {FILE: {"nomic_bert.a.weight", "nomic_bert.b.bias", "nomic_bert.pooler.dense.bias"}},
        ),
    ],
)
def test_names_are_those_of_transformers_and_come_back(model_type, kind, head, expected):
    task = rebuild({"kind": kind, "name": "nli", "labels": ["a", "b"] if "Span" not in kind else None}, NoRows())
    state = STATE | {f"heads.nli.{name}": torch.zeros(1) for name in head}
    known = counterpart_of(model_type, task.architecture)
    files = split(state, "nli", known)
    assert {name: set(tensors) for name, tensors in files.items()} == expected
    assert join(files, "nli", known).keys() == state.keys()
