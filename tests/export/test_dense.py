"""Names of plain transformers and back."""

import pytest
import torch

from lit_prune.export.dense import FILE, HEAD_FILE, join, split

STATE = {name: torch.zeros(1) for name in ("encoder.backbone.a.weight", "encoder.backbone.b.bias")}


@pytest.mark.parametrize(
    ("model_type", "head", "expected"),
    [
        ("bert", ["classifier.bias"], {FILE: {"bert.a.weight", "bert.b.bias", "classifier.bias"}}),
        ("roberta", ["dense.bias"], {FILE: {"roberta.a.weight", "roberta.b.bias", "classifier.dense.bias"}}),
        ("other", ["dense.bias"], {FILE: {"a.weight", "b.bias"}, HEAD_FILE: {"dense.bias"}}),
    ],
)
def test_names_are_those_of_transformers_and_come_back(model_type, head, expected):
    state = STATE | {f"head.{name}": torch.zeros(1) for name in head}
    files = split(state, model_type)
    assert {name: set(tensors) for name, tensors in files.items()} == expected
    assert join(files, model_type).keys() == state.keys()
